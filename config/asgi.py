import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_asgi_application()

from config.postgresql.limits import limit_statements  # noqa: E402  it needs the settings

limit_statements()

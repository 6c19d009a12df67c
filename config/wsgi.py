import os

from django.core.wsgi import get_wsgi_application

from config.postgresql.limits import limit_statements

os.umask(0o077)  # database, secret key and uploads are for the store's own user alone
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()
limit_statements()

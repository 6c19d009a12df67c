import os

from django.conf import settings
from django.core.signals import request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, reset_queries

from config.postgresql.limits import limit_statements

os.umask(0o077)  # database, secret key and uploads are for the store's own user alone
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()
limit_statements()
# Django looks after its connections before and after each request: 2 % of the CPU time of a list. Once is enough.
request_started.disconnect(close_old_connections)
if not settings.DEBUG:  # only then Django remembers queries
    request_started.disconnect(reset_queries)

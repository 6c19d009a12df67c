"""The store's settings on a developer's machine."""

import os

os.environ.setdefault("DEVELOPMENT", "1")

from config.settings import *  # noqa: F403  after the environment is set

INSTALLED_APPS = [*INSTALLED_APPS, "django_migration_linter"]  # noqa: F405  a command of `make lint`
API_USAGE_INTERVAL = float("inf")  # tests count the queries of requests

"""The settings of a replica that reads go to. `oauth.replica` decides which reads."""

from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

ROUTER = "oauth.replica.Router"
# libpq's: to give up soon where a replica is down (seconds) or cut off (milliseconds).
PATIENCE = {"connect_timeout": 2, "tcp_user_timeout": 3_000}
WHERE = ("NAME", "USER", "PASSWORD", "HOST", "PORT")
SHARED_OPTIONS = ("server_side_binding", "prepare_threshold")


def replica_of(primary: dict[str, Any], url: str) -> dict[str, Any]:
    """An entry of DATABASES: a server like the primary, at another URL. Raises ImproperlyConfigured."""
    replica = environ.Env.db_url_config(url)
    if primary["ENGINE"] != "config.postgresql" or replica["ENGINE"] != "django.db.backends.postgresql":
        raise ImproperlyConfigured("DATABASE_REPLICA_URL needs PostgreSQL, and so does DATABASE_URL then.")
    own = {name: replica[name] for name in WHERE}
    shared = {name: value for name, value in primary.get("OPTIONS", {}).items() if name in SHARED_OPTIONS}
    options = PATIENCE | shared | replica.get("OPTIONS", {})
    return {**primary, **own, "OPTIONS": options, "TEST": {"MIRROR": "default"}}

"""Every setting, from the environment, safe by default. docs/operations.md explains the variables."""

import secrets
from pathlib import Path
from typing import Any

import environ
from csp import constants as csp
from django.conf import global_settings

from config.postgresql.replica import ROUTER, replica_of
from oauth.scopes import SCOPE_LABELS

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

# A developer's machine: plain HTTP on loopback, and a secret key in var/.
DEVELOPMENT = env.bool("DEVELOPMENT", False)
DEBUG = env.bool("DEBUG", False)

VAR_DIR = Path(env.str("VAR_DIR", str(BASE_DIR / "var")))


def kept_secret_key() -> str:
    """The secret key in VAR_DIR, or an empty text. With DEVELOPMENT it is created: sessions survive a restart."""
    path = VAR_DIR / "secret_key"
    if DEVELOPMENT and not path.exists():
        VAR_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(64))
    return path.read_text() if path.exists() else ""


SECRET_KEY = env.str("SECRET_KEY", "") or kept_secret_key()
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "customers.dashboard.apps.SiteConfig",  # django.contrib.admin
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.humanize",
    "config.static_files.StaticFilesConfig",
    "rest_framework",
    "csp",
    "oauth2_provider",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_countries",
    "oauth",
    "oauth.accounts",
    "oauth.audit",
    "customers",
    "customers.store",
    "customers.groups",
    "customers.segments",
    "customers.metadata",
    "customers.orders",
    "customers.jobs",
    "customers.webhooks",
    "customers.merging",
    "customers.mirror",
    "customers.retention",
    "customers.dashboard",  # last: it replaces what other apps have registered on the admin site
    "config.observability",
]

# --- Monitoring ------------------------------------------------------------------------------------------------------

# The token that Prometheus sends to /metrics. Empty: there is no such page, and nothing is counted.
METRICS_TOKEN = env.str("METRICS_TOKEN", "")
# Where the processes of this machine count. A folder in memory is best; never one that machines share.
METRICS_DIR = Path(env.str("METRICS_DIR", str(VAR_DIR / "metrics")))
LOG_FORMAT = env.str("LOG_FORMAT", "text", choices=("text", "json"))
# A worker touches this file every ten seconds while all its parts run.
WORKER_ALIVE_FILE = Path(env.str("WORKER_ALIVE_FILE", str(VAR_DIR / "worker-alive")))
# Traces by OpenTelemetry, whose own variables say where they are sent. Needs the extra `tracing`.
TRACING = env.bool("TRACING", False)

# --- Requests and pages ----------------------------------------------------------------------------------------------

MIDDLEWARE = [
    "config.request_id.RequestIdMiddleware",
    "config.health.HealthMiddleware",
    # Health checks are neither counted nor logged nor traced. The middleware of OpenTelemetry inserts itself here.
    *(["config.observability.metrics.MetricsMiddleware"] if METRICS_TOKEN else []),
    *(["config.observability.logs.RequestLogMiddleware"] if LOG_FORMAT == "json" else []),
    "customers.medusa.cors.CorsMiddleware",
    "config.api_requests.ApiMiddleware",  # requests to an API skip all below
    "config.middleware.NoStoreMiddleware",
    "config.middleware.CSPMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.middleware.SessionMiddleware",
    "config.middleware.AuthenticationMiddleware",
    "config.body_limits.BodyLimitMiddleware",  # before whatever reads the body; it asks who may import
    "config.middleware.EncodingMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "config.middleware.MessageMiddleware",
    "oauth.accounts.required_two_factor.RequiredTwoFactorMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "customers" / "dashboard" / "templates"],  # overrides templates of the admin site
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# --- Storage ---------------------------------------------------------------------------------------------------------

DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'store.sqlite3'}")}
DATABASE = DATABASES["default"]
DATABASE_STATEMENT_SECONDS = env.int("DATABASE_STATEMENT_SECONDS", 30)  # of web requests on PostgreSQL; 0: no limit
DATABASE["CONN_MAX_AGE"] = env.int("DATABASE_CONN_MAX_AGE", 600)
# FULL: an answered write survives a power cut. NORMAL: the last ones may be lost, and no write waits for the disk.
SQLITE_SYNCHRONOUS = env.str("SQLITE_SYNCHRONOUS", "FULL", choices=("FULL", "NORMAL"))
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
if DATABASE["ENGINE"] == "django.db.backends.sqlite3":
    DATABASE["OPTIONS"] = {
        # Readers never wait for the one writer.
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA cache_size=-20000; PRAGMA mmap_size=134217728; "
        f"PRAGMA synchronous={SQLITE_SYNCHRONOUS}; "
        # Overwrites what is deleted, so that nothing of an erased customer stays in free pages.
        "PRAGMA secure_delete=ON;",
        # A transaction waits for the write lock at its start, instead of failing half-way through.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
    }
else:
    DATABASE["ENGINE"] = "config.postgresql"
    DATABASE["CONN_HEALTH_CHECKS"] = True
    # A pooler in transaction mode, such as PgBouncer: two transactions of a client may run on two connections.
    DATABASE_POOLER = env.bool("DATABASE_POOLER", False)
    DATABASE["DISABLE_SERVER_SIDE_CURSORS"] = DATABASE_POOLER
    if DATABASE_POOLER:
        DATABASE_STATEMENT_SECONDS = 0  # it refuses the parameter `options`, by which the time is sent
    if env.bool("DATABASE_PREPARED_STATEMENTS", not DATABASE_POOLER):
        DATABASE.setdefault("OPTIONS", {}).update({"server_side_binding": True, "prepare_threshold": 2})

# Reads that may be stale go there (oauth/replica.py), unless it is this many bytes of the write-ahead log behind.
DATABASE_REPLICA_MAX_LAG = env.int("DATABASE_REPLICA_MAX_LAG", 16_000_000)
if DATABASE_REPLICA_URL := env.str("DATABASE_REPLICA_URL", ""):
    DATABASES["replica"] = replica_of(DATABASE, DATABASE_REPLICA_URL)
    DATABASE_ROUTERS = [ROUTER]

REDIS_URL = env.str("REDIS_URL", "")

# --- People, time, language ------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "customers.User"
AUTHENTICATION_BACKENDS = [
    "oauth.accounts.lockout.LockoutBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
PASSWORD_HASHERS = [
    "oauth.hashers.PasswordHasher",
    # For older hashes: the next sign-in replaces them.
    *(hasher for hasher in global_settings.PASSWORD_HASHERS if "Argon2" not in hasher),
    "oauth.hashers.ClientSecretHasher",
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
SESSION_ENGINE = "oauth.accounts.session_store"

USE_TZ = True
# The store's time zone: whole-day filters and shown offsets. The database holds UTC.
TIME_ZONE = env.str("STORE_TIME_ZONE", "UTC")
# ISO 3166-1 alpha-2. A local phone number without an address is read as one of this country. Empty: it is refused.
STORE_COUNTRY = env.str("STORE_COUNTRY", "")
# Which phone numbers are accepted: `valid` (some country's plan has them) or `possible` (their length fits).
PHONE_NUMBERS = env.str("PHONE_NUMBERS", "valid", choices=("valid", "possible"))
LANGUAGE_CODE = "en"
USE_I18N = True
# Kosovo has no code of ISO 3166-1 yet: XK is a user-assigned code, which CLDR, the EU, banks and shops use.
COUNTRIES_OVERRIDE = {"XK": {"name": "Kosovo", "alpha3": "XKX"}}

SILENCED_SYSTEM_CHECKS = [
    "auth.W004",  # the email is unique: by a constraint on `email_key` that the check can't know
    "models.W040",  # SQLite ignores the columns that an index includes: it reads them from the table
]

# --- Email -----------------------------------------------------------------------------------------------------------

EMAIL = env.email_url("EMAIL_URL", default="consolemail://")
EMAIL_BACKEND = EMAIL["EMAIL_BACKEND"]
EMAIL_HOST = EMAIL["EMAIL_HOST"] or "localhost"
EMAIL_PORT = EMAIL["EMAIL_PORT"] or 25
EMAIL_HOST_USER = EMAIL["EMAIL_HOST_USER"] or ""
EMAIL_HOST_PASSWORD = EMAIL["EMAIL_HOST_PASSWORD"] or ""
EMAIL_USE_TLS = EMAIL.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = EMAIL.get("EMAIL_USE_SSL", False)
EMAIL_TIMEOUT = 10  # seconds
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "store@localhost")

# --- The API ---------------------------------------------------------------------------------------------------------

# Requests per second and token. An app may have its own limit. 0: no limit.
RATE_LIMIT = env.int("RATE_LIMIT", 4)
# The largest request body. config/body_limits.py has the paths with other limits.
MAX_BODY_BYTES = DATA_UPLOAD_MAX_MEMORY_SIZE = env.int("MAX_BODY_BYTES", 1_000_000)
ANONYMOUS_BODY_BYTES = 100_000  # without credentials, and where people and programs sign in
MAX_IMPORT_BYTES = env.int("MAX_IMPORT_BYTES", 1_000_000_000)  # a file of customers, from staff who may import
# How long `config.server` waits for a client: for a body, and for a client that reads nothing of its answer.
CLIENT_SECONDS = env.int("CLIENT_SECONDS", 20)
DATA_UPLOAD_MAX_NUMBER_FIELDS = 3_000  # a customer's page has 30 per address: 20 shown, and new ones
IDEMPOTENCY_HOURS = env.int("IDEMPOTENCY_HOURS", 24)
API_USAGE_INTERVAL = 10  # minimum seconds between two writes of the number of calls

# --- Retention -------------------------------------------------------------------------------------------------------

# Days after which a worker deletes rows (customers/retention/services.py). None, which the environment calls 0: never.
RETENTION_DAYS = {
    "timeline": env.int("RETENTION_TIMELINE_DAYS", 0) or None,
    "security_log": env.int("RETENTION_SECURITY_LOG_DAYS", 730) or None,
    "dashboard_log": env.int("RETENTION_DASHBOARD_LOG_DAYS", 730) or None,
    "api_usage": env.int("RETENTION_API_USAGE_DAYS", 400) or None,
    "deliveries": env.int("RETENTION_DELIVERIES_DAYS", 30) or None,
    "received_events": env.int("RETENTION_RECEIVED_EVENTS_DAYS", 30) or None,
    "merges": env.int("RETENTION_MERGES_DAYS", 30),  # how long a merge can be undone
    "jobs": env.int("RETENTION_JOBS_DAYS", 7),
    "files": env.int("RETENTION_FILES_DAYS", 1),  # files hold personal data; so do rows that were refused
}

# --- Webhooks --------------------------------------------------------------------------------------------------------

# A developer's endpoint on this machine needs both. A store on the internet must have neither.
WEBHOOKS_ALLOW_HTTP = env.bool("WEBHOOKS_ALLOW_HTTP", DEVELOPMENT)
WEBHOOKS_ALLOW_PRIVATE = env.bool("WEBHOOKS_ALLOW_PRIVATE", DEVELOPMENT)
# Pairs of the first and the last port. A developer's endpoint may listen anywhere.
WEBHOOKS_PORTS = [
    (int(first), int(last or first))
    for first, _, last in (
        ports.partition("-")
        for ports in env.list("WEBHOOKS_PORTS", default=["1-65535"] if DEVELOPMENT else ["80", "443", "1024-65535"])
    )
]
# Seconds before the first retry. Each further one waits three times as long.
WEBHOOKS_RETRY_SECONDS = env.float("WEBHOOKS_RETRY_SECONDS", 30)
# Requests per second to a mirrored store; 0: no limit.
MIRRORED_STORE_RATE = env.float("MIRRORED_STORE_RATE", 4)

# --- The Medusa API --------------------------------------------------------------------------------------------------

# Origins of admin front ends that call it from a browser, with the session cookie.
MEDUSA_ADMIN_CORS = [origin.rstrip("/") for origin in env.list("MEDUSA_ADMIN_CORS", default=[])]
# "None" for a front end on another site; browsers then require HTTPS.
MEDUSA_COOKIE_SAMESITE = env.str("MEDUSA_COOKIE_SAMESITE", "Lax")
# Medusa has no limit, and its clients never repeat a 429. 0: none, unless an app has its own.
MEDUSA_RATE_LIMIT = env.int("MEDUSA_RATE_LIMIT", 0)
MEDUSA_MAX_LIMIT = env.int("MEDUSA_MAX_LIMIT", 1000)
# Seconds for which a count of filtered customers above 10,000 is cached.
MEDUSA_COUNT_SECONDS = env.int("MEDUSA_COUNT_SECONDS", 10)

REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "URL_FORMAT_OVERRIDE": None,  # `?format=` is a parameter like any other
}
SPECTACULAR_SETTINGS = {
    "COMPONENT_SPLIT_REQUEST": True,
    "OAS_VERSION": "3.1.1",
    "ENABLE_DJANGO_DEPLOY_CHECK": False,  # it builds one document of all URLs; the tests check ours, one per version
    "SCHEMA_PATH_PREFIX": "/api/admin",
    "CAMELIZE_NAMES": True,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    # The layout in which people choose a document.
    "SWAGGER_UI_SETTINGS": """{
        layout: "StandaloneLayout",
        presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
        urls: ["2024-04-01", "2023-02-10", "unstable", "extensions"].map(
            (version) => ({name: version, url: "/api/schema/admin/?version=" + version})
        ),
        validatorUrl: null,
    }""",
    "PATH_CONVERTER_OVERRIDES": {"id": int, "number": str},
    # Fields with the same name and different choices.
    "ENUM_NAME_OVERRIDES": {
        "DefinitionTypeEnum": "customers.metadata.models.Type.values",
        "ValidationTypeEnum": "customers.metadata.models.Validation.values",
        "SubscriptionStatusEnum": "customers.orders.models.SubscriptionStatus.values",
        "ExportTypeEnum": "customers.api.resources.exports.ExportType.values",
    },
}

# --- OAuth -----------------------------------------------------------------------------------------------------------

# The domain by which apps know the store. Without it, the host of the request.
STORE_DOMAIN = env.str("STORE_DOMAIN", "")

# The platform's apps keep their access token and never refresh, so by default it lives as long as there: 15,778,476,000
# seconds, five hundred years. Revocation and uninstallation end it at once. A public app can't keep a secret: one year.
ACCESS_TOKEN_DAYS = env.float("ACCESS_TOKEN_DAYS", 182_621.25)
ACCESS_TOKEN_SECONDS = {
    "confidential": round(ACCESS_TOKEN_DAYS * 24 * 3600),
    "public": round(min(ACCESS_TOKEN_DAYS, 365) * 24 * 3600),
}

OAUTH2_PROVIDER_APPLICATION_MODEL = "oauth.App"
OAUTH2_PROVIDER_ACCESS_TOKEN_MODEL = "oauth.AccessToken"
OAUTH2_PROVIDER_REFRESH_TOKEN_MODEL = "oauth.RefreshToken"
OAUTH2_PROVIDER_GRANT_MODEL = "oauth.Grant"
OAUTH2_PROVIDER_ID_TOKEN_MODEL = "oauth.IDToken"
OAUTH2_PROVIDER_DEVICE_GRANT_MODEL = "oauth.DeviceGrant"
# Each model of the toolkit is replaced above, so its migrations would create nothing, in half of the time of `migrate`.
MIGRATION_MODULES = {"oauth2_provider": None}
OAUTH2_PROVIDER = {
    "SCOPES": {str(scope): label for scope, label in SCOPE_LABELS.items()},
    "DEFAULT_SCOPES": [],  # an app that asks for nothing gets nothing
    "OAUTH2_VALIDATOR_CLASS": "oauth.validator.Validator",
    # Authorization code and refresh, and nothing else.
    "OAUTH2_SERVER_CLASS": "oauthlib.oauth2.WebApplicationServer",
    "OAUTH2_GRANT_TYPES_SUPPORTED": ["authorization_code", "refresh_token"],
    "OAUTH2_RESPONSE_TYPES_SUPPORTED": ["code"],
    "AUTHORIZATION_CODE_EXPIRE_SECONDS": 60,
    "ACCESS_TOKEN_EXPIRE_SECONDS": lambda request: ACCESS_TOKEN_SECONDS[request.client.client_type],
    "REFRESH_TOKEN_EXPIRE_SECONDS": 365 * 24 * 3600,
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "REFRESH_TOKEN_GRACE_PERIOD_SECONDS": 0,
    "ACCESS_TOKEN_GENERATOR": "oauth.tokens.generate_access_token",
    "REFRESH_TOKEN_GENERATOR": "oauth.tokens.generate_refresh_token",
    "CLIENT_SECRET_HASHER": "pbkdf2_sha256_once",
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https", "http"] if DEVELOPMENT else ["https"],
    **{
        f"COMPLIANT_BCP_RFC9700_{gate}": True
        for gate in (
            "IMPLICIT_GRANT",
            "PASSWORD_GRANT",
            "PKCE_METHOD",
            "ACCESS_TOKEN_TRANSPORT",
            "AUTHZ_RESPONSE_ISS",
            "TOKEN_STORAGE",
            "REFRESH_TOKEN",
            "REDIRECT_URI_SCHEME",
            "REDIRECT_URI_MATCHING",
            "PKCE_REQUIRED",
        )
    },
}

# --- HTTP ------------------------------------------------------------------------------------------------------------

# Only behind a proxy that sets X-Forwarded-Proto, -Host and -For itself: a client could forge them otherwise.
BEHIND_PROXY = env.bool("BEHIND_PROXY", False)
if BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    USE_X_FORWARDED_HOST = True
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", not DEVELOPMENT)
SECURE_HSTS_SECONDS = 0 if DEVELOPMENT else 365 * 24 * 3600
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = env.bool("HSTS_SUBDOMAINS", not DEVELOPMENT)
CSRF_FAILURE_VIEW = "customers.dashboard.error_pages.csrf_failure"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEVELOPMENT
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [csp.NONE],
        "script-src": [csp.SELF],
        "style-src": [csp.SELF],
        "font-src": [csp.SELF],
        "connect-src": [csp.SELF],
        "form-action": [csp.SELF],
        "img-src": [csp.SELF, "data:"],  # icons in the admin site's style sheets
        "frame-ancestors": [csp.NONE],
        "base-uri": [csp.NONE],
    },
}

STATIC_URL = "/static/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", str(VAR_DIR / "static")))


def private_folder(name: str) -> dict[str, Any]:
    """Options of a storage of files in VAR_DIR that only the store's own user can read."""
    return {
        "location": str(VAR_DIR / name),
        "file_permissions_mode": 0o600,
        "directory_permissions_mode": 0o700,
    }


STORAGES = {
    # Uploaded and exported files, shared by all servers and workers. They hold personal data, so no URL serves them.
    "default": {
        "BACKEND": env.str("FILES_BACKEND", "django.core.files.storage.FileSystemStorage"),
        "OPTIONS": env.json("FILES_OPTIONS", private_folder("files")),
    },
    # The log of erasures (customers/privacy/erasure_log.py). It has to outlive the database: keep it somewhere else.
    "erasures": {
        "BACKEND": env.str("ERASURES_BACKEND", "django.core.files.storage.FileSystemStorage"),
        "OPTIONS": env.json("ERASURES_OPTIONS", private_folder("erasures")),
    },
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},  # compressed once, by collectstatic
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request_id": {"()": "config.request_id.RequestIdFilter"}},
    "formatters": {
        "line": {"()": "config.observability.logs.JsonFormatter"}
        if LOG_FORMAT == "json"
        else {"format": "{asctime} {levelname} {name} [{request_id}] {message}", "style": "{"}
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["request_id"]}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", "WARNING")},
    "loggers": {
        "django": {"handlers": [], "propagate": True},
        "config.observability.logs": {"level": "INFO"},  # a line for each request, if LOG_FORMAT is json
        "oauthlib": {"level": "INFO"},  # at DEBUG it logs codes and tokens
        "django.request": {"level": "ERROR"},  # the client has the answer for a 4xx
    },
}

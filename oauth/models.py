"""The toolkit's models, swapped in as a whole so that they live in one app; sessions, and the audit log.

Nothing that unlocks anything is kept readable: tokens, codes and session keys as SHA-256 digests, client secrets hashed
and, where they sign session tokens, encrypted, as the keys of
two-factor sign-in are.
"""

from ipaddress import ip_address
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.sessions.base_session import AbstractBaseSession
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from oauth2_provider.models import (
    AbstractAccessToken,
    AbstractApplication,
    AbstractDeviceGrant,
    AbstractGrant,
    AbstractIDToken,
    AbstractRefreshToken,
    ApplicationManager,
)
from oauthlib.uri_validate import is_absolute_uri

from oauth.fields import DigestField
from oauth.scopes import Scope


class ApiVersion(models.TextChoices):
    """The versions of the Admin API, oldest first."""

    V2023_02_10 = "2023-02-10", "2023-02-10"
    V2024_04_01 = "2024-04-01", "2024-04-01"
    UNSTABLE = "unstable", "unstable"


DEFAULT_API_VERSION = ApiVersion.V2024_04_01


def check_app_uri(uri: str) -> None:
    """Where a browser may be sent with a code: an absolute https URI without userinfo and fragment (RFC 9700, 2.1), or
    with DEVELOPMENT http on loopback.

    Raises ValidationError.
    """
    try:
        parts = urlsplit(uri)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValidationError(f"{uri} is not a URI.") from None
    if not uri.isascii() or not uri.isprintable() or " " in uri or "\\" in uri:
        raise ValidationError(f"{uri} has characters that have to be percent-encoded.")
    if not host or parts.scheme not in ("https", "http") or not is_absolute_uri(uri):
        raise ValidationError(f"{uri} is not an absolute https URI.")
    if "@" in parts.netloc or "#" in uri or "*" in parts.netloc:
        raise ValidationError(f"{uri} may have neither a user name nor a fragment nor a wildcard.")
    if parts.scheme == "http" and not (settings.DEVELOPMENT and _is_loopback(host)):
        raise ValidationError(f"{uri} has to be https.")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_app_uris(uris: str) -> None:
    for uri in uris.split():
        check_app_uri(uri)


def check_scopes(scopes: object) -> None:
    if not isinstance(scopes, list) or not set(scopes) <= set(Scope):
        raise ValidationError("Some of these scopes are not known.")


class App(AbstractApplication):
    """Who calls the API: a partner's app, or a store owner's own (kind `private`, with a single token).

    A partner app is registered, then installed by a member of staff who consents to what it asks for. `granted_scopes`
    is what was consented to since, empty where the app is not installed. `settings` are the app's own; they outlive
    an installation.
    """

    class Kind(models.TextChoices):
        PRIVATE = "private"
        PARTNER = "partner"

    kind = models.CharField(max_length=16, choices=Kind, default=Kind.PARTNER)
    is_active = models.BooleanField(default=True, help_text="Off: every token of the app is refused at once.")
    api_version = models.CharField(
        "API version",
        max_length=16,
        choices=ApiVersion,
        default=DEFAULT_API_VERSION,
        help_text="Used for a request without a version header.",
    )
    rate_limit = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Requests per second and token; empty: the store's limit, 0: none."
    )
    app_url = models.CharField(
        "app URL",
        max_length=2000,
        blank=True,
        validators=[check_app_uri],
        help_text="Where staff are sent to install the app and to open it.",
    )
    redirect_uris = models.TextField(
        "redirect URIs",
        blank=True,
        validators=[check_app_uris],
        help_text="Where the app takes authorization codes; one per line. They have to match exactly.",
    )
    allowed_scopes = models.JSONField(
        "permissions", default=list, blank=True, validators=[check_scopes], help_text="What the app may ask for."
    )
    token_expires = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="Of a private app's token; empty: never."
    )
    granted_scopes = models.JSONField(default=list, blank=True, editable=False)
    installed_at = models.DateTimeField(null=True, blank=True, editable=False)
    version = models.CharField(max_length=255, null=True, blank=True, help_text="Of the app; shown in the API.")
    settings = models.JSONField(default=dict, blank=True, editable=False)
    encrypted_client_secret = models.TextField(blank=True, editable=False)

    objects = ApplicationManager()

    class Meta(AbstractApplication.Meta):
        constraints = [
            models.CheckConstraint(condition=models.Q(rate_limit__lte=1000), name="oauth_app_rate_limit_at_most_1000"),
            models.UniqueConstraint(
                fields=["name"], condition=models.Q(kind="private"), name="oauth_app_private_name_unique"
            ),
        ]

    def natural_key(self):
        return (self.client_id,)

    def clean(self):
        """What is checked is said by the fields; a private app needs neither URIs nor a secret."""
        if self.kind == self.Kind.PARTNER:
            missing = [name for name in ("name", "app_url", "redirect_uris") if not getattr(self, name).strip()]
            if missing:
                raise ValidationError(dict.fromkeys(missing, "A partner app needs one."))

    def is_usable(self, request):
        """Whether the app may take part in a flow."""
        return self.is_active and self.kind == self.Kind.PARTNER

    def redirect_uri_allowed(self, uri):
        """By simple string comparison (RFC 9700, 2.1), ports of loopback addresses included."""
        return uri in self.redirect_uris.split()

    @property
    def is_confidential(self) -> bool:
        """Whether it can keep a secret (RFC 6749, 2.1)."""
        return self.client_type == self.CLIENT_CONFIDENTIAL


class PrivateAppManager(ApplicationManager):
    def get_queryset(self):
        return super().get_queryset().filter(kind=App.Kind.PRIVATE)


class PartnerAppManager(ApplicationManager):
    def get_queryset(self):
        return super().get_queryset().filter(kind=App.Kind.PARTNER)


class PrivateApp(App):
    """A store owner's own access to the API."""

    objects = PrivateAppManager()

    class Meta:
        proxy = True
        verbose_name = "API access"
        verbose_name_plural = "API access"


class PartnerApp(App):
    objects = PartnerAppManager()

    class Meta:
        proxy = True
        verbose_name = "app"


class Grant(AbstractGrant):
    """An authorization code. A used one is kept until it expires, to be known when it comes again; `token_family` then
    tells which tokens it issued."""

    code = DigestField(unique=True)
    token_family = models.UUIDField(null=True, editable=False)


class AccessToken(AbstractAccessToken):
    """`last_used_at` is at most a minute behind."""

    last_used_at = models.DateTimeField(null=True, editable=False)
    last_used_version = models.CharField(max_length=16, blank=True, editable=False)
    last_used_ip = models.GenericIPAddressField(null=True, editable=False)


class RefreshToken(AbstractRefreshToken):
    pass


class IDToken(AbstractIDToken):
    pass


class DeviceGrant(AbstractDeviceGrant):
    pass


class Session(AbstractBaseSession):
    """Whose it is and where it was begun is copied from its data, to be listed and ended by."""

    session_key = DigestField(primary_key=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="sessions")
    created_at = models.DateTimeField(null=True, help_text="When they signed in.")
    ip = models.GenericIPAddressField("IP address", null=True)
    user_agent = models.CharField(max_length=500, blank=True)

    class Meta(AbstractBaseSession.Meta):
        db_table = "oauth_session"


class TwoFactor(models.Model):
    """What a person proves at sign-in that they hold: a key in an authenticator app or, once each, recovery codes.

    The key is encrypted, the codes are digests: neither can be read from a dump of the database.
    """

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="two_factor")
    encrypted_key = models.TextField()
    is_on = models.BooleanField(default=False, help_text="Off until a first code has been confirmed.")
    last_step = models.BigIntegerField(default=-1, help_text="Of the last code that was taken: none is taken twice.")
    recovery_digests = models.JSONField(default=list)

    def __str__(self):
        return f"Two-factor sign-in of {self.user}"


class ApiUsage(models.Model):
    """How many requests an app has sent within an hour."""

    # Not held against the apps: one may go between a request and the note of it.
    app = models.ForeignKey(App, models.CASCADE, related_name="usage", db_constraint=False, db_index=False)
    hour = models.DateTimeField()
    calls = models.PositiveBigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["hour", "app"], name="api_usage_of_app_in_hour")]

    def __str__(self):
        return f"{self.app}, {self.hour:%Y-%m-%d %H}h: {self.calls}"


# The one change that the log allows: to forget who it was, and from where.
ERASED = {"actor": "(erased)", "ip": None}


class AppendOnly(models.QuerySet):
    def update(self, **changes):
        if changes != ERASED:
            raise TypeError("The audit log can't be changed.")
        return super().update(**changes)

    def delete(self):
        raise TypeError("The audit log can't be changed.")


class AuditEvent(models.Model):
    """Something that matters to the store's safety. Never changed or deleted; PostgreSQL refuses it by itself, too.

    Who and which app are kept by name, as they were then; a customer who is erased becomes `ERASED`.
    """

    class Event(models.TextChoices):
        SIGNED_IN = "signed_in", "Signed in"
        SIGN_IN_FAILED = "sign_in_failed", "Sign-in failed"
        SIGNED_OUT = "signed_out", "Signed out"
        LOCKED_OUT = "locked_out", "Locked out after failures"
        TOKEN_ISSUED = "token_issued", "Token made"
        TOKEN_FIRST_USED = "token_first_used", "Token used first"
        TOKEN_REVOKED = "token_revoked", "Token revoked"
        TOKEN_REFUSED = "token_refused", "Token request refused"
        CODE_REUSED = "code_reused", "Authorization code used again"
        REFRESH_TOKEN_REUSED = "refresh_token_reused", "Refresh token used again"
        APP_REGISTERED = "app_registered", "App registered"
        APP_CHANGED = "app_changed", "App changed"
        SECRET_REPLACED = "secret_replaced", "Client secret replaced"
        CONSENTED = "consented", "Permissions granted"
        CONSENT_REFUSED = "consent_refused", "Permissions refused"
        APP_OPENED = "app_opened", "App opened"
        APP_UNINSTALLED = "app_uninstalled", "App uninstalled"
        CUSTOMER_ERASED = "customer_erased", "Customer erased"
        STAFF_INVITED = "staff_invited", "Staff invited"
        STAFF_CHANGED = "staff_changed", "Staff changed"
        SESSIONS_ENDED = "sessions_ended", "Sessions ended"
        TWO_FACTOR_ON = "two_factor_on", "Two-factor sign-in on"
        TWO_FACTOR_OFF = "two_factor_off", "Two-factor sign-in off"

    at = models.DateTimeField("time", default=timezone.now)
    event = models.CharField(max_length=32, choices=Event)
    actor = models.CharField(max_length=320, blank=True, help_text="Email address of who did it, or tried to.")
    app = models.CharField(max_length=255, blank=True)
    client_id = models.CharField(max_length=255, blank=True)
    ip = models.GenericIPAddressField("IP address", null=True)
    detail = models.JSONField(default=dict)

    objects = AppendOnly.as_manager()

    class Meta:
        verbose_name = "event"
        verbose_name_plural = "security log"
        base_manager_name = "objects"
        indexes = [
            models.Index(fields=["at", "id"], name="audit_event_newest"),
            models.Index(fields=["event", "at", "id"], name="audit_event_by_kind"),
            models.Index(fields=["client_id", "at", "id"], name="audit_event_by_app"),
        ]

    def __str__(self):
        return f"{self.get_event_display()}, {self.at:%Y-%m-%d %H:%M:%S}"

    def save(self, **options):
        if not self._state.adding:
            raise TypeError("The audit log can't be changed.")
        super().save(**options)

    def delete(self, using=None, keep_parents=False):
        raise TypeError("The audit log can't be changed.")

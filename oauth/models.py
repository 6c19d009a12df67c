"""The models of django-oauth-toolkit, all swapped for our own, and the usage of the API by app.

No secret is stored readable: tokens and codes are SHA-256 digests; client secrets are hashed and, to sign session
tokens, also encrypted.
"""

import re
from ipaddress import ip_address
from urllib.parse import parse_qsl, urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
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

from oauth.app_settings import check_schema
from oauth.errors import ServiceError
from oauth.fields import DigestField, EncryptedTextField
from oauth.scopes import Scope
from oauth.text import clean_title


class ApiVersion(models.TextChoices):
    """The versions of the Admin API, oldest first."""

    V2023_02_10 = "2023-02-10", "2023-02-10"
    V2024_04_01 = "2024-04-01", "2024-04-01"
    UNSTABLE = "unstable", "unstable"


# Labels of letters, digits and hyphens (RFC 1123, 2.1).
HOST_NAME = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*\.?")
DEFAULT_API_VERSION = ApiVersion.V2024_04_01
# What an answer adds to a redirect URI (RFC 6749, 4.1.2; RFC 9207), and the store's domain.
ANSWER_PARAMETERS = {"code", "state", "error", "error_description", "error_uri", "iss", "store"}


def clean_app_name(name: str) -> str:
    """As `clean_title` does. Raises ServiceError("name")."""
    return clean_title(name, App._meta.get_field("name").max_length, "name")


def check_app_uri(uri: str) -> None:
    """Checks a URI that browsers are redirected to: absolute, https, without userinfo and fragment (RFC 9700, 2.1).

    With DEVELOPMENT, http on loopback is allowed. Raises ValidationError.
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
    if not _is_host(host):
        raise ValidationError(f"{uri} has no valid host.")
    if parts.scheme == "http" and not (settings.DEVELOPMENT and _is_loopback(host)):
        raise ValidationError(f"{uri} has to be https.")


def _is_host(host: str) -> bool:
    """A host name, or an IP address without a zone."""
    try:
        return not getattr(ip_address(host), "scope_id", None)
    except ValueError:
        return HOST_NAME.fullmatch(host) is not None


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_redirect_uris(uris: str) -> None:
    """Checks URIs that receive authorization codes, separated by white space. Raises ValidationError."""
    for uri in uris.split():
        check_app_uri(uri)
        for name, _ in parse_qsl(urlsplit(uri).query, keep_blank_values=True):
            if name in ANSWER_PARAMETERS:
                raise ValidationError(f"{uri} may not have the parameter {name}: the store's answer adds its own.")


def check_scopes(scopes: object) -> None:
    if not isinstance(scopes, list) or not set(scopes) <= set(Scope):
        raise ValidationError("Some of these scopes are not known.")


def requestable(allowed: list[str]) -> set[str]:
    """The scopes that an app may ask for, by its `allowed_scopes`."""
    return set(allowed or Scope)


class App(AbstractApplication):
    """A client of the API: a partner's app, or a store owner's own access (kind `private`, with a single token).

    A partner app is registered, then installed by a member of staff who grants the permissions that it asks for.
    `granted_scopes` are all that were granted since the installation; empty where the app is not installed. `settings`
    are stored for the app; uninstalling it keeps them.
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
        validators=[check_redirect_uris],
        help_text="Where the app receives authorization codes; one per line. They have to match exactly.",
    )
    allowed_scopes = models.JSONField(
        "permissions",
        default=list,
        blank=True,
        validators=[check_scopes],
        help_text="What the app may ask for. None: any permission.",
    )
    token_expires = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When a private app's token expires; empty: never."
    )
    granted_scopes = models.JSONField(default=list, blank=True, editable=False)
    installed_at = models.DateTimeField(null=True, blank=True, editable=False)
    version = models.CharField(
        max_length=255, null=True, blank=True, help_text="The app's own version; shown in the API."
    )
    developer_email = models.EmailField(
        "developer's email",
        blank=True,
        help_text="Gets an email when the app's webhooks fail, as the owners of the store do.",
    )
    settings = models.JSONField(default=dict, blank=True, editable=False)
    settings_schema = models.JSONField(
        default=list,
        blank=True,
        validators=[check_schema],
        help_text="The settings_schema of the app's manifest: which settings staff may edit.",
    )
    signing_secret = EncryptedTextField(
        "client secret",
        blank=True,
        editable=False,
        db_column="encrypted_client_secret",
        help_text="Of a confidential app: the same secret as in client_secret, to sign session tokens with.",
    )

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
        """Requires URIs of a partner app. A private app needs none."""
        try:
            self.name = self.name and clean_app_name(self.name)  # type: ignore[has-type]  # the toolkit's column
        except ServiceError as error:
            raise ValidationError({"name": error.message}) from None
        if self.kind == self.Kind.PARTNER:
            missing = [name for name in ("name", "app_url", "redirect_uris") if not getattr(self, name).strip()]
            if missing:
                raise ValidationError(dict.fromkeys(missing, "A partner app needs this."))

    @classmethod
    def visible_to(cls, app_id: int) -> models.Q:
        """Filters rows of a model that has a foreign key `app`: an app sees its own rows, a personal token sees all.

        `app_id`: the app of the token.
        """
        is_private = cls.objects.filter(pk=app_id, kind=cls.Kind.PRIVATE)
        return models.Q(app_id=app_id) | models.Q(models.Exists(is_private))

    def is_usable(self, request):
        """Whether the app may take part in a flow."""
        return self.is_active and self.kind == self.Kind.PARTNER

    @property
    def requestable_scopes(self) -> set[str]:
        """What the app may ask for: any known scope if none were registered. The owner decides in any case."""
        return requestable(self.allowed_scopes)

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
        verbose_name = "API token"
        verbose_name_plural = "API tokens"


class PartnerApp(App):
    objects = PartnerAppManager()

    class Meta:
        proxy = True
        verbose_name = "app"


class Grant(AbstractGrant):
    """An authorization code. A used code is kept until it expires, so that a second use is noticed: `token_family` is
    then the family of the tokens that it issued."""

    code = DigestField(unique=True)
    token_family = models.UUIDField(null=True, editable=False)


class AccessToken(AbstractAccessToken):
    """An access token. `last_used_at` lags by up to a minute."""

    last_used_at = models.DateTimeField(null=True, editable=False)
    last_used_version = models.CharField(max_length=16, blank=True, editable=False)
    last_used_ip = models.GenericIPAddressField(null=True, editable=False)


class RefreshToken(AbstractRefreshToken):
    pass


class IDToken(AbstractIDToken):
    pass


class DeviceGrant(AbstractDeviceGrant):
    pass


class ApiUsage(models.Model):
    """How many requests an app has sent within an hour."""

    # Without a constraint: an app may be deleted between a request and the insertion of its count.
    app = models.ForeignKey(App, models.CASCADE, related_name="usage", db_constraint=False, db_index=False)
    hour = models.DateTimeField()
    calls = models.PositiveBigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["hour", "app"], name="api_usage_of_app_in_hour")]

    def __str__(self):
        return f"{self.app}, {self.hour:%Y-%m-%d %H}h: {self.calls}"

"""The toolkit's models, swapped in as a whole so that they live in one app and one migration.

Tokens are kept as SHA-256 digests (`token_checksum`) only: `COMPLIANT_BCP_RFC9700_TOKEN_STORAGE` leaves `token` empty.
"""

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


class ApiVersion(models.TextChoices):
    """The versions of the Admin API, oldest first."""

    V2023_02_10 = "2023-02-10"
    V2024_04_01 = "2024-04-01"
    UNSTABLE = "unstable", "unstable"


DEFAULT_API_VERSION = ApiVersion.V2024_04_01


class App(AbstractApplication):
    """Who calls the API: a partner's app, or a store owner's own (kind `private`, with a single token)."""

    class Kind(models.TextChoices):
        PRIVATE = "private"
        PARTNER = "partner"

    kind = models.CharField(max_length=16, choices=Kind, default=Kind.PARTNER)
    is_active = models.BooleanField(default=True, help_text="Off: every token of the app is refused at once.")
    api_version = models.CharField(
        max_length=16,
        choices=ApiVersion,
        default=DEFAULT_API_VERSION,
        help_text="Used for a request without a version header.",
    )
    rate_limit = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Requests per second and token; empty: the store's limit, 0: none."
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
        # A private app takes part in no flow, so it needs no redirect URI.
        if self.kind == self.Kind.PARTNER:
            super().clean()

    def is_usable(self, request):
        """Whether the app may take part in a flow."""
        return self.is_active and self.kind == self.Kind.PARTNER


class Grant(AbstractGrant):
    pass


class AccessToken(AbstractAccessToken):
    pass


class RefreshToken(AbstractRefreshToken):
    pass


class IDToken(AbstractIDToken):
    pass


class DeviceGrant(AbstractDeviceGrant):
    pass

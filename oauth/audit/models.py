"""The table of the security log."""

from datetime import datetime, timedelta

from django.db import models
from django.utils import timezone

# No row is deleted before, neither by this code nor by SQL. PCI DSS, requirement 10.5.1, demands as much.
KEPT_AT_LEAST = timedelta(days=365)
# The only change that the log allows: erasing who it was, and from where.
ERASED = {"actor": "(erased)", "ip": None}


class AppendOnlyQuerySet(models.QuerySet):
    def update(self, **changes):
        if changes != ERASED:
            raise TypeError("The audit log can't be changed.")
        return super().update(**changes)

    def delete(self):
        raise TypeError("The audit log can't be changed.")

    def delete_batch(self, before: datetime, size: int = 1_000) -> int:
        """Deletes the oldest rows from before that time, and returns how many. Raises TypeError if it is too recent."""
        if before > timezone.now() - KEPT_AT_LEAST:
            raise TypeError(f"The audit log is kept for {KEPT_AT_LEAST.days} days at least.")
        oldest = self.filter(at__lt=before).order_by("at").values_list("pk", flat=True)[:size]
        return super(AppendOnlyQuerySet, self.filter(pk__in=list(oldest))).delete()[0]


class AuditEvent(models.Model):
    """An event that matters to the store's security. Rows are never changed, and not deleted before KEPT_AT_LEAST; a
    trigger in PostgreSQL refuses it, too.

    The person and the app are stored by name, as they were then. `ERASED` replaces a person who was erased.
    """

    class Event(models.TextChoices):
        SIGNED_IN = "signed_in", "Signed in"
        SIGN_IN_FAILED = "sign_in_failed", "Sign-in failed"
        SIGNED_OUT = "signed_out", "Signed out"
        PASSWORD_CHANGED = "password_changed", "Password changed"
        PASSWORD_RESET_SENT = "password_reset_sent", "Password reset sent"
        PASSWORD_RESET = "password_reset", "Password chosen by email"
        LOCKED_OUT = "locked_out", "Locked out after failures"
        TOKEN_ISSUED = "token_issued", "Token created"
        TOKEN_FIRST_USED = "token_first_used", "First use of token"
        TOKEN_REVOKED = "token_revoked", "Token revoked"
        TOKEN_LIMITED = "token_limited", "Token limited by its owner's role"
        TOKEN_REFUSED = "token_refused", "Token request refused"
        CODE_REUSED = "code_reused", "Authorization code reused"
        REFRESH_TOKEN_REUSED = "refresh_token_reused", "Refresh token reused"
        APP_REGISTERED = "app_registered", "App registered"
        APP_CHANGED = "app_changed", "App changed"
        SECRET_REPLACED = "secret_replaced", "Client secret replaced"
        CONSENTED = "consented", "Permissions granted"
        CONSENT_REFUSED = "consent_refused", "Permissions refused"
        APP_OPENED = "app_opened", "App opened"
        APP_UNINSTALLED = "app_uninstalled", "App uninstalled"
        CUSTOMER_ERASED = "customer_erased", "Customer erased"
        PERSONAL_DATA_DOWNLOADED = "personal_data_downloaded", "Personal data downloaded"
        EXPORT_REQUESTED = "export_requested", "Export requested"
        EXPORT_DOWNLOADED = "export_downloaded", "Export downloaded"
        WEBHOOK_CREATED = "webhook_created", "Webhook created"
        WEBHOOK_CHANGED = "webhook_changed", "Webhook changed"
        WEBHOOK_DELETED = "webhook_deleted", "Webhook deleted"
        STAFF_INVITED = "staff_invited", "Staff invited"
        STAFF_CHANGED = "staff_changed", "Staff changed"
        ROLE_CREATED = "role_created", "Role created"
        ROLE_CHANGED = "role_changed", "Role changed"
        ROLE_DELETED = "role_deleted", "Role deleted"
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

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        verbose_name = "event"
        base_manager_name = "objects"
        indexes = [
            models.Index(fields=["at", "id"], name="audit_event_newest"),
            models.Index(fields=["event", "at", "id"], name="audit_event_by_kind"),
            models.Index(fields=["client_id", "at", "id"], name="audit_event_by_app"),
        ]

    def __str__(self):
        return f"{self.get_event_display()}, {self.at:%Y-%m-%d %H:%M:%S %Z}"

    def save(self, **options):
        if not self._state.adding:
            raise TypeError("The audit log can't be changed.")
        super().save(**options)

    def delete(self, using=None, keep_parents=False):
        raise TypeError("The audit log can't be changed.")

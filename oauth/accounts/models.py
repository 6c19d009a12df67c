"""The tables of staff accounts: sessions, the second factor, failed attempts, and the outbox of emails."""

from django.conf import settings
from django.contrib.auth.models import Group
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.utils import timezone

from oauth.accounts.roles import Role
from oauth.fields import DigestField, EncryptedTextField


class Session(AbstractBaseSession):
    """A session of Django's. Its person and its origin are copied from its data, so that it can be listed and ended."""

    session_key = DigestField(primary_key=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="sessions")
    created_at = models.DateTimeField(null=True, help_text="When they signed in.")
    ip = models.GenericIPAddressField("IP address", null=True)
    user_agent = models.CharField(max_length=500, blank=True)

    class Meta(AbstractBaseSession.Meta):
        db_table = "accounts_session"


class TwoFactor(models.Model):
    """The second factor of a person: a key in an authenticator app, and recovery codes that work once each.

    The key is encrypted and the codes are digests, so a copy of the database reveals neither.
    """

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="two_factor")
    key = EncryptedTextField("key of two-factor sign-in", db_column="encrypted_key", help_text="In base 32.")
    is_on = models.BooleanField(default=False, help_text="Off until a first code is confirmed.")
    last_step = models.BigIntegerField(
        default=-1, help_text="The time step of the last accepted code. Codes of it and of earlier steps are refused."
    )
    recovery_digests = models.JSONField(default=list)

    def __str__(self):
        return f"Two-factor sign-in of {self.user}"


class StaffRole(models.Model):
    """What a role of staff has besides the name and the permissions of its group.

    `levels`: of a store's own role the Level by the key of each open section; empty in a built-in role. `scopes`: what
    tokens of its members may do at most.
    """

    group = models.OneToOneField(Group, models.CASCADE, primary_key=True, related_name="staff_role")
    levels = models.JSONField(default=dict)
    scopes = models.TextField(help_text="Separated by spaces.")

    class Meta:
        verbose_name = "role"

    def __str__(self):
        return self.group.name

    @property
    def is_built_in(self) -> bool:
        return self.group.name in Role.values


class TwoFactorRequirement(models.Model):
    """A role (group) whose members have to sign in with a second factor."""

    group = models.OneToOneField("auth.Group", models.CASCADE, primary_key=True, related_name="two_factor_requirement")

    def __str__(self):
        return f"Two-factor sign-in for {self.group}"


class FailedAttempts(models.Model):
    """Failed attempts that count together: of one account, from one address, …"""

    class Kind(models.TextChoices):
        """What the attempts have in common. `subject` is in the brackets."""

        ACCOUNT = "account", "Sign-ins to an account (email address)"
        ADDRESS = "address", "Sign-ins from an address (IPv4, or IPv6 network)"
        DEVICE = "device", "Sign-ins from a trusted device (its id)"
        IDENTITY = "identity", "Confirmations by a person who is signed in (id)"
        CLIENT = "client", "Requests of an app for tokens (client id)"
        CLIENT_ADDRESS = "client_address", "Requests for tokens from an address (IPv4, or IPv6 network)"

    kind = models.CharField(max_length=20, choices=Kind)
    subject = models.CharField(max_length=255)
    failures = models.PositiveIntegerField(default=0)
    last_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "subject"], name="failed_attempts_unique")]

    def __str__(self):
        return f"{self.kind} {self.subject}: {self.failures}"


class Email(models.Model):
    """An email that waits to be sent. One of a kind with an interval stays until the interval is over.

    See `oauth.accounts.mail`.
    """

    kind = models.CharField(max_length=32)
    recipient = models.CharField(max_length=320, help_text="The key of an email address, which nobody may have.")
    about = models.BigIntegerField(default=0, help_text="The id of what it is about; 0: of nothing in particular.")
    details = models.JSONField(default=dict)
    is_sent = models.BooleanField(default=False)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["recipient", "kind", "about"], name="accounts_email_waits_once"),
        ]

    def __str__(self):
        return f"{self.kind} {self.pk}"

"""Repeating a request without doing it again (draft-ietf-httpapi-idempotency-key-header)."""

from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

from oauth.errors import ServiceError

MAX_KEY_LENGTH = 255


class IdempotentAnswer(models.Model):
    """The answer to a request that carried an `Idempotency-Key`, kept for a repetition of it."""

    app_id = models.BigIntegerField()
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of the request's path and body.")
    status = models.PositiveSmallIntegerField(default=0)
    body = models.TextField(default="")
    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    user_id = models.BigIntegerField(null=True, db_index=True, help_text="The person it tells of.")

    class Meta:
        app_label = "customers"
        constraints = [models.UniqueConstraint(fields=["app_id", "key"], name="idempotent_answer_key_unique")]

    def __str__(self):
        return self.key


class KeyReused(ServiceError):
    code = "idempotency_key_reused"

    def __init__(self):
        super().__init__("This Idempotency-Key was used for another request.")


@transaction.atomic
def answer_once(
    *, app_id: int, key: str, request_fingerprint: str, answer: Callable[[], tuple[int, str, int | None]]
) -> tuple[int, str, bool]:
    """Status and body of the first answer to `key`, and whether it is a repetition.

    `answer` makes the first one, and tells which person it is about, in the same transaction: what it writes and the
    record of it stand or fall together, and an exception leaves the key free. Of two at once, the second waits for the
    first. A key is forgotten after `IDEMPOTENCY_HOURS`. Raises KeyReused where the key came with another fingerprint.
    """
    forgotten = timezone.now() - timedelta(hours=settings.IDEMPOTENCY_HOURS)
    IdempotentAnswer.objects.filter(app_id=app_id, key=key, created_at__lt=forgotten).delete()
    record, is_first = IdempotentAnswer.objects.get_or_create(
        app_id=app_id, key=key, defaults={"fingerprint": request_fingerprint}
    )
    if not is_first:
        if record.fingerprint != request_fingerprint:
            raise KeyReused
        return record.status, record.body, True
    record.status, record.body, record.user_id = answer()
    record.save(update_fields=["status", "body", "user_id"])
    return record.status, record.body, False


def forget_expired() -> int:
    """Deletes the answers nobody may ask for any more; returns how many."""
    forgotten = timezone.now() - timedelta(hours=settings.IDEMPOTENCY_HOURS)
    return IdempotentAnswer.objects.filter(created_at__lt=forgotten).delete()[0]

"""Stored responses for requests that are sent again (draft-ietf-httpapi-idempotency-key-header)."""

from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.db import models, transaction
from django.db.models import QuerySet
from django.utils import timezone

from oauth.errors import ServiceError

MAX_KEY_LENGTH = 255


class IdempotentAnswer(models.Model):
    """The response to a request with an `Idempotency-Key`, stored for repetitions of that request."""

    app_id = models.BigIntegerField()
    key = models.CharField(max_length=MAX_KEY_LENGTH)
    fingerprint = models.CharField(max_length=64, help_text="HMAC-SHA256 of the request's path and body.")
    status = models.PositiveSmallIntegerField(default=0)
    body = models.TextField(default="")
    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    user_id = models.BigIntegerField(null=True, db_index=True, help_text="The customer in the response.")

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
    """Returns the status and the body of the first response to `key`, and whether this is a repetition.

    `answer` handles the first request and returns the status, the body, and the id of the customer in the body, if any.
    It runs in the same transaction that stores the response; an exception leaves the key unused. A second request at
    the same time waits for the first one. A key expires after `IDEMPOTENCY_HOURS`.

    Raises KeyReused if the first request with the key had another fingerprint, and what `answer` raises.
    """
    expired().filter(app_id=app_id, key=key).delete()
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


def expired() -> QuerySet[IdempotentAnswer]:
    before = timezone.now() - timedelta(hours=settings.IDEMPOTENCY_HOURS)
    return IdempotentAnswer.objects.filter(created_at__lt=before)

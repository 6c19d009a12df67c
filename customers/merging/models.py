"""Merges of customers, and pairs of customers who may be the same person."""

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import timezone

from customers.models import User


class Merge(models.Model):
    """A customer who was merged into another one. Their row is gone; `snapshot` has what undoing needs.

    The ids are not foreign keys: the kept customer may be merged into a third one later.
    """

    merged_id = models.BigIntegerField(primary_key=True, help_text="The customer who is gone.")
    kept_id = models.BigIntegerField(db_index=True)
    merged_at = models.DateTimeField(default=timezone.now)
    snapshot = models.JSONField(null=True, encoder=DjangoJSONEncoder, help_text="Null: it can't be undone any more.")

    def __str__(self):
        return f"{self.merged_id} into {self.kept_id}"


class Sign(models.TextChoices):
    """What two customers have in common."""

    EMAIL = "email", "nearly the same email address"
    PHONE = "phone", "the same phone number"
    NAME_AND_POSTCODE = "name_and_postcode", "the same name and postcode"
    NAME_AND_BIRTHDAY = "name_and_birthday", "the same name and date of birth"


class MatchKey(models.Model):
    """A digest of what a customer may have in common with others. Customers with the same key have that sign.

    Without a constraint: the worker writes many at once, and would lock the rows of all these customers.
    """

    user = models.ForeignKey(User, models.CASCADE, db_constraint=False, db_index=False, related_name="+")
    sign = models.CharField(max_length=32, choices=Sign)
    key = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "sign", "key"], name="match_key_once")]
        indexes = [models.Index(fields=["key", "user"], name="match_key_of_users")]

    def __str__(self):
        return f"{self.sign} of {self.user_id}"


class Duplicate(models.Model):
    """Two customers who may be the same person. A dismissed pair stays, so that it is not suggested again."""

    first = models.ForeignKey(User, models.CASCADE, db_constraint=False, db_index=False, related_name="+")
    second = models.ForeignKey(User, models.CASCADE, db_constraint=False, related_name="+", help_text="A higher id.")
    signs = models.JSONField(default=list)
    score = models.PositiveSmallIntegerField(help_text="From 0 to 100: how likely it is that they are one person.")
    found_at = models.DateTimeField(default=timezone.now)
    dismissed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["first", "second"], name="duplicate_once"),
            models.CheckConstraint(condition=models.Q(first__lt=models.F("second")), name="duplicate_in_order"),
        ]
        indexes = [
            models.Index(fields=["score", "id"], condition=models.Q(dismissed_at=None), name="duplicate_by_score")
        ]

    def __str__(self):
        return f"{self.first_id} and {self.second_id}"

    @property
    def reasons(self) -> list[str]:
        return [str(Sign(sign).label) for sign in self.signs]


class SearchState(models.Model):
    """The progress of the search for duplicates. One row."""

    last_event_id = models.BigIntegerField(default=0, help_text="Changes up to this entry of the timeline are checked.")
    cursor = models.BigIntegerField(default=0, help_text="The last customer that the present sweep has checked.")
    swept_at = models.DateTimeField(null=True, help_text="The end of the last sweep over all customers.")

    def __str__(self):
        return f"up to entry {self.last_event_id}"

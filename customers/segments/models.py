"""Filters of customers that are saved under a name. Who belongs to a segment is decided each time it is read."""

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import timezone

from customers.core.computed import ComputedModel, FoldedField

MAX_NAME_LENGTH = 255


class Segment(ComputedModel):
    name = models.CharField(max_length=MAX_NAME_LENGTH, unique=True)
    search_name = FoldedField("name")
    filters = models.JSONField(encoder=DjangoJSONEncoder, help_text="By the names in customers.filters.")
    customers_count = models.PositiveIntegerField(null=True, editable=False)
    counted_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        indexes = [models.Index(fields=["counted_at"], name="segment_longest_not_counted")]

    def __str__(self):
        return self.name

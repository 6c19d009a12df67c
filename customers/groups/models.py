"""Groups of customers. Each has a unique name."""

from django.db import models
from django.utils import timezone

from customers.core.computed import ComputedModel, FoldedField
from customers.models import User

MAX_NAME_LENGTH = 255


class CustomerGroup(ComputedModel):
    name = models.CharField(max_length=MAX_NAME_LENGTH)
    search_name = FoldedField("name")
    metadata = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)
    customers = models.ManyToManyField(User, related_name="customer_groups", blank=True)

    class Meta:
        verbose_name = "group"
        constraints = [models.UniqueConstraint(fields=["name"], name="customer_group_name_unique")]
        indexes = [models.Index(fields=["created_at", "id"], name="customer_group_newest")]

    def __str__(self):
        return self.name

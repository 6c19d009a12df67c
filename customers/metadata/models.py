"""Definitions of metadata keys: the type and validations of their values, and where the dashboard uses them."""

from django.db import models
from django.utils import timezone

from customers.core.computed import ComputedModel, FoldedField

MAX_KEY_LENGTH = 255
MAX_NAME_LENGTH = 255


class Object(models.TextChoices):
    """The kind of object with the metadata. Definitions of other objects than customers are stored and not enforced."""

    ATTRIBUTION = "attribution"
    CUSTOMER = "customer"
    DISPUTE = "dispute"
    LINE = "line"
    ORDER = "order"
    PRODUCT = "product"
    VARIANT = "variant"
    BLOG = "blog"
    PAGE = "page"


class Type(models.TextChoices):
    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    RICH_TEXT = "rich_text"
    MULTI_TEXT = "multi_text"
    FILE = "file"
    BOOLEAN = "boolean"


class Validation(models.TextChoices):
    MAXIMUM_LENGTH = "maximum_length"
    MAXIMUM_VALUE = "maximum_value"
    MINIMUM_VALUE = "minimum_value"
    MAXIMUM_PRECISION = "maximum_precision"
    ACCEPT_ONLY_IMAGE = "accept_only_image"


class Definition(ComputedModel):
    object = models.CharField(max_length=16, choices=Object)
    key = models.CharField(
        max_length=MAX_KEY_LENGTH,
        help_text="Letters, digits, underscores, hyphens, dots; a letter or an underscore first.",
    )
    name = models.CharField(max_length=MAX_NAME_LENGTH, help_text="The name that people see.")
    search_name = FoldedField("name")
    type = models.CharField(max_length=16, choices=Type)
    validations = models.JSONField(default=list, help_text="Objects with `type` and `value`, a string.")
    enable_filter = models.BooleanField(default=False, help_text="The list of customers can be filtered by it.")
    enable_export = models.BooleanField(default=False, help_text="It is a column of its own in exports.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = "custom field"
        constraints = [models.UniqueConstraint(fields=["object", "key"], name="definition_key_unique")]

    def __str__(self):
        return self.name

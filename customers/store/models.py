"""What apps and customers may know about the store itself."""

from django.core.validators import RegexValidator
from django.db import models

MAX_CURRENCIES = 200


def default_currencies() -> list[str]:
    return ["USD"]


class StoreDetails(models.Model):
    """One row. The country is a setting, STORE_COUNTRY; the domain is STORE_DOMAIN."""

    name = models.CharField(max_length=255, default="Store")
    tagline = models.CharField(max_length=255, blank=True)
    tax_id = models.CharField("tax ID", max_length=255, blank=True)
    currencies = models.JSONField(default=default_currencies, help_text="Codes of ISO 4217, as in USD.")
    company_name = models.CharField(max_length=255, blank=True)
    line1 = models.CharField("address line 1", max_length=255, blank=True)
    line2 = models.CharField("address line 2", max_length=255, blank=True)
    city = models.CharField(max_length=255, blank=True)
    state = models.CharField(max_length=255, blank=True)
    postcode = models.CharField(max_length=64, blank=True)
    phone_number = models.CharField(
        max_length=16, blank=True, validators=[RegexValidator(r"^\+[1-9][0-9]{4,14}$", "Enter it as in +12015550123.")]
    )

    class Meta:
        verbose_name = verbose_name_plural = "store details"

    def __str__(self):
        return self.name

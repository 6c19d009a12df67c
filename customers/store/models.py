"""What apps and customers may know about the store itself."""

from django.db import models

from customers.phone_numbers import MAX_PHONE_NUMBER_LENGTH

MAX_CURRENCIES = 200
MAX_NAME_LENGTH = 255


def default_currencies() -> list[str]:
    return ["USD"]


class StoreDetails(models.Model):
    """One row. The country is a setting, STORE_COUNTRY; the domain is STORE_DOMAIN."""

    name = models.CharField(max_length=MAX_NAME_LENGTH, default="Store")
    tagline = models.CharField(max_length=255, blank=True)
    tax_id = models.CharField("tax ID", max_length=255, blank=True)
    currencies = models.JSONField(default=default_currencies, help_text="Codes of ISO 4217, as in USD.")
    company_name = models.CharField(max_length=255, blank=True)
    line1 = models.CharField("address line 1", max_length=255, blank=True)
    line2 = models.CharField("address line 2", max_length=255, blank=True)
    city = models.CharField(max_length=255, blank=True)
    state = models.CharField(max_length=255, blank=True)
    postcode = models.CharField(max_length=64, blank=True)
    phone_number = models.CharField(max_length=MAX_PHONE_NUMBER_LENGTH, blank=True)

    consent_text_version = models.CharField(
        "version of the consent text",
        max_length=100,
        blank=True,
        help_text="Of the text by which you ask for marketing consent, as in 2026-11. It is kept with each consent.",
    )

    logo_digest = models.CharField(max_length=64, blank=True, editable=False, help_text="Of `StoreLogo`; empty: none.")

    class Meta:
        verbose_name = verbose_name_plural = "store details"

    def __str__(self):
        return self.name


class StoreLogo(models.Model):
    """The image of `StoreDetails.logo_digest`. A table of its own: every page reads the details, and none the image."""

    content = models.BinaryField()
    media_type = models.CharField(max_length=32)

    def __str__(self):
        return f"{self.media_type}, {len(self.content)} bytes"

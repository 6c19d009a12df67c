from django.db import models
from django.utils import timezone


class Tag(models.Model):
    name = models.CharField(max_length=255, unique=True)

    def __str__(self):
        return self.name


class Customer(models.Model):
    email = models.EmailField(max_length=320, unique=True)
    first_name = models.CharField(max_length=255, blank=True)
    last_name = models.CharField(max_length=255, blank=True)
    phone_number = models.CharField(max_length=128, null=True, blank=True)
    user_type = models.CharField(max_length=16, default="lead", editable=False)
    language = models.CharField(max_length=2, null=True, blank=True)
    accepts_marketing = models.BooleanField(default=False)
    is_blocked = models.BooleanField(default=False)
    ip = models.GenericIPAddressField(null=True, blank=True)
    user_agent = models.CharField(max_length=500, null=True, blank=True)
    tags = models.ManyToManyField(Tag, blank=True)
    metadata = models.JSONField(null=True, blank=True)
    orders_count = models.PositiveIntegerField(default=0, editable=False)
    subscriptions_count = models.PositiveIntegerField(default=0, editable=False)
    total_spent = models.DecimalField(max_digits=12, decimal_places=2, default=0, editable=False)
    date_joined = models.DateTimeField(default=timezone.now, editable=False, db_index=True)

    def __str__(self):
        return self.email


class Address(models.Model):
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="addresses")
    first_name = models.CharField(max_length=255, blank=True)
    last_name = models.CharField(max_length=255, blank=True)
    line1 = models.CharField(max_length=255)
    line2 = models.CharField(max_length=255, blank=True)
    line3 = models.CharField(max_length=255, blank=True)
    line4 = models.CharField(max_length=255)
    state = models.CharField(max_length=255, blank=True)
    postcode = models.CharField(max_length=64, blank=True)
    country = models.CharField(max_length=2)
    phone_number = models.CharField(max_length=128, blank=True)
    notes = models.TextField(blank=True)
    is_default_for_shipping = models.BooleanField(default=False)
    is_default_for_billing = models.BooleanField(default=False)

    def __str__(self):
        return self.line1

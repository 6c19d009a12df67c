"""How far the import of a file has come."""

from django.db import models
from django.utils import timezone


class Import(models.Model):
    """One file, known by its digest. Each step is saved within the transaction that brings its customers in."""

    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the file.")
    line = models.PositiveBigIntegerField(default=0, help_text="Where the last customer that is done begins.")
    created = models.PositiveBigIntegerField(default=0)
    updated = models.PositiveBigIntegerField(default=0)
    refused = models.PositiveBigIntegerField(default=0)
    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)

    def __str__(self):
        return f"{self.digest[:12]}, line {self.line}"

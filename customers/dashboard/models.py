"""What the dashboard keeps of its own."""

from django.db import models


class HomeNumbers(models.Model):
    """Numbers of the home page that take long to count in a large store (`customers.dashboard.home_numbers`)."""

    name = models.CharField(max_length=32, primary_key=True)
    values = models.JSONField(help_text="As the page's template reads them.")
    computed_at = models.DateTimeField()

    def __str__(self):
        return self.name

from django.db import models


class Cleanup(models.Model):
    """When a rule of retention was last carried out, so that one of all workers does it once a day."""

    name = models.CharField(max_length=50, primary_key=True)
    started_at = models.DateTimeField(null=True)

    def __str__(self):
        return self.name

"""Tables of numbers that a worker counts from time to time."""

from django.db import models


class CustomerCount(models.Model):
    """One row: how many leads and customers have an id up to `up_to`; `number` without those who are erased."""

    number = models.PositiveIntegerField()
    erased = models.PositiveIntegerField()
    up_to = models.BigIntegerField()
    counted_at = models.DateTimeField()

    def __str__(self):
        return f"{self.number} up to {self.up_to}"


class CustomerCountChange(models.Model):
    """What to add to a count for a customer with a former id. Only inserted: no transaction waits for another one."""

    user_id = models.BigIntegerField()
    date_joined = models.DateTimeField()
    change = models.SmallIntegerField(default=0)
    erased = models.SmallIntegerField(default=0)

    def __str__(self):
        return f"{self.user_id}: {self.change:+}"


class CustomerMilestone(models.Model):
    """One of every so many customers in the order of joining: `before` of those in the count, the erased included, come
    before it."""

    before = models.PositiveIntegerField(primary_key=True)
    date_joined = models.DateTimeField()
    user_id = models.BigIntegerField()

    def __str__(self):
        return f"{self.before} before {self.user_id}"


class ShortSearch(models.Model):
    """How many customers a search for one or two letters finds, if they are many."""

    text = models.CharField(max_length=2, primary_key=True)
    number = models.PositiveIntegerField()
    counted_at = models.DateTimeField()

    def __str__(self):
        return f"{self.text}: {self.number}"

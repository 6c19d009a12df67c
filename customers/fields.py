"""Columns that no other app has."""

from django.db import models

from oauth.email_addresses import email_key


class EmailKeyField(models.TextField):
    """What the row's `email` is compared by: follows it with each save. Null without an email."""

    def pre_save(self, model_instance, add):
        model_instance.email_key = model_instance.email and email_key(model_instance.email)
        return model_instance.email_key

"""Columns that no other app has."""

from customers.core.computed import ComputedField
from oauth.email_addresses import email_key


class EmailKeyField(ComputedField):
    """What the row's `email` is compared by. Null without an email."""

    def computed(self, row):
        return email_key(row["email"]) if row.get("email") else None

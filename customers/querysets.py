"""Ways to find people. Names, emails and phone numbers are compared ignoring case."""

import re
from datetime import date
from typing import Any

from django.db import connection, models
from django.db.models.fields.json import KeyTransform

from customers.core.dates import within_days
from customers.phone_numbers import digits_to_find
from oauth.email_addresses import email_key

THREE_IN_A_ROW = re.compile(r"[^\W_]{3}")
PHONE_LIKE = re.compile(r"[-+()./\u2010-\u2015\uff08-\uff0f\s]*\d[-+()./\u2010-\u2015\uff08-\uff0f\d\s]*")


class UserQuerySet(models.QuerySet):
    def newest_first(self):
        """The order of every list. The pair is unique, so that a cursor never stands still."""
        return self.order_by("-date_joined", "-id")

    def with_email(self, email: str):
        """The person who has this mailbox, however it is spelled."""
        return self.filter(email_key=email_key(email))

    def update(self, **values):
        if "email" in values and "email_key" not in values:
            values["email_key"] = values["email"] and email_key(values["email"])
        return super().update(**values)

    def bulk_update(self, objs, fields, batch_size=None):
        if "email" in fields:
            for user in objs:
                user.email_key = user.email and email_key(user.email)
            fields = {*fields, "email_key"}
        return super().bulk_update(objs, fields, batch_size)

    def search(self, text: str):
        """Each word of `text` is part of a name, the email address or the phone number. The order does not matter.

        A word of one or two letters matches only the start of a word: the index knows no shorter parts. A text that
        looks like a phone number, with three digits or more, is also searched as one.
        """
        matching = models.Q()
        for word in text.lower().split():
            if THREE_IN_A_ROW.search(word):
                matching &= models.Q(search_text__contains=word)
            else:
                matching &= models.Q(search_text__startswith=word) | models.Q(search_text__contains=f" {word}")
        people = self.filter(matching)
        may_be_number = PHONE_LIKE.fullmatch(text) and sum(map(str.isdecimal, text)) >= 3
        return people | self.with_phone_number(text) if may_be_number else people

    def with_name(self, text: str):
        """First and last name together contain `text`, ignoring the number of spaces."""
        name = " ".join(text.lower().split())
        return self.filter(search_text__contains=name, full_name__contains=name)

    def with_phone_number(self, text: str):
        """The number is the one that `text` would be kept as, or contains its digits, whatever the punctuation."""
        matching = models.Q(pk__in=())
        for digits in digits_to_find(text):
            matching |= models.Q(search_text__contains=digits, phone_number__contains=digits)
        return self.filter(matching)

    def joined_between(self, first: date | None, last: date | None):
        """Days in the store's time zone, both included; None leaves an end open."""
        return within_days(self, "date_joined", first, last)

    def with_tag(self, tag: str):
        """The tag as a whole, in the same case."""
        if connection.vendor == "postgresql":
            return self.filter(tags__contains=[tag])
        return self.filter(is_in_json_list(tag, "tags"))

    def with_address(self, **columns: str):
        """One address has all these values. `country` is compared as it is, the other columns ignoring case."""
        addresses: Any = self.model._meta.get_field("addresses").related_model
        lookups = {
            name if name == "country" else f"{name}__lower": value if name == "country" else value.lower()
            for name, value in columns.items()
        }
        return self.filter(models.Exists(addresses.objects.filter(user=models.OuterRef("pk"), **lookups)))

    def with_metadata(self, key: str, value: Any):
        """`metadata[key]` is `value`. If `value` is a list, `metadata[key]` is a list with all its entries."""
        if connection.vendor == "postgresql":
            return self.filter(metadata__contains={key: value})
        if not isinstance(value, list):
            return self.alias(metadata_value=KeyTransform(key, "metadata")).filter(metadata_value=value)
        people = self
        for entry in value:
            people = people.filter(is_in_json_list(entry, "metadata", f'$."{key}"'))
        return people


def is_in_json_list(value: Any, column: str, path: str = "$") -> models.Func:
    """A condition for SQLite, whose JSON has no "contains"."""
    entries = models.Func(column, models.Value(path), template="(SELECT value FROM json_each(%(expressions)s))")
    return models.Func(
        models.Value(value),
        entries,
        template="%(expressions)s",
        arg_joiner=" IN ",
        output_field=models.BooleanField(),
    )

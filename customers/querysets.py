"""Ways to find people. A text is folded before the search, because the columns for searching hold folded texts."""

import re
from datetime import date
from typing import Any

from django.db import connection, models
from django.db.models.fields.json import KeyTransform
from django.db.models.functions import Concat, Replace
from django.db.models.lookups import Contains

from customers.core.computed import ComputedQuerySet
from customers.core.dates import within_days
from customers.core.json_rows import JSONRows
from customers.limits import shortened_search
from customers.phone_numbers import digits_to_find
from oauth.email_addresses import email_key
from oauth.text import fold, normalized

THREE_IN_A_ROW = re.compile(r"[^\W_]{3,}")  # letters or digits
# Letters or digits of an email: with so many, it is looked up by so many of its start and of its end.
LONG_EMAIL, END_OF_EMAIL = 8, 5
NOTHING = models.Q(pk__in=())
PHONE_LIKE = re.compile(r"[-+()./\u2010-\u2015\uff08-\uff0f\s]*\d[-+()./\u2010-\u2015\uff08-\uff0f\d\s]*")


class UserQuerySet(ComputedQuerySet):
    def newest_first(self):
        """The order of every list. The pair is unique, so that a cursor never stands still."""
        return self.order_by("-date_joined", "-id")

    def not_erased(self):
        return self.filter(erased_at=None)

    def with_email(self, email: str):
        """The person who has this mailbox, however it is spelled."""
        return self.filter(email_key=email_key(email))

    def with_addresses(self, *columns: str):
        """`address_list`: the addresses of each person, oldest first, as objects of JSON with these columns."""
        owner: Any = self.model._meta.get_field("addresses")
        return self.annotate(address_list=JSONRows("pk", owner=owner.field, columns=columns))

    def search(self, text: str):
        """Each word of `text` is part of a name, the email address or the phone number. The order does not matter.

        A word of one or two letters matches only the start of a word: the index knows no shorter parts. A text that
        looks like a phone number, with three digits or more, is also searched as one. See `shortened_search`.
        """
        text = shortened_search(text)
        words = fold(text).split()
        matching = models.Q() if words else NOTHING
        for word in words:
            is_email = "@" in word and THREE_IN_A_ROW.search(word)
            matching &= has_part_of_email(word) if is_email else has_part("search_text", word)
        if "@" in text:  # another spelling of the mailbox
            matching |= models.Q(email_key=email_key(text.strip()))
        people = self.filter(matching)
        may_be_number = PHONE_LIKE.fullmatch(text) and sum(map(str.isdecimal, text)) >= 3
        return people | self.with_phone_number(text) if may_be_number else people

    def with_name(self, text: str):
        """First and last name together contain `text`, ignoring the number of spaces."""
        if not (name := fold(text)):
            return self.none()
        one_line = Replace("full_name", models.Value("\n"), models.Value(" "), output_field=models.TextField())
        return self.alias(one_line=one_line).filter(has_rare_parts(name), one_line__contains=name)

    def with_phone_number(self, text: str):
        """The number is `text` in E.164, or contains the digits of `text`. Punctuation does not matter."""
        matching = NOTHING
        for digits in digits_to_find(text):
            # With every trigram of the number, twice as many long lists of an index would be compared.
            pieces = [*(digits[at : at + 4] for at in range(0, len(digits) - 4, 4)), digits[-4:]]
            is_indexed = models.Q(*(("search_text__contains", piece) for piece in pieces))
            matching |= is_indexed & models.Q(phone_number__contains=digits)
        return self.filter(matching)

    def with_exact_phone_number(self, number: str):
        """`number` in E.164. The folded text has the index."""
        return self.filter(search_text__contains=number.removeprefix("+"), phone_number=number)

    def joined_between(self, first: date | None, last: date | None):
        """Days in the store's time zone, both included; None leaves an end open."""
        return within_days(self, "date_joined", first, last)

    def with_tag(self, tag: str | list[str]):
        """The tag as a whole, in the same case; or one of these tags."""
        matching = NOTHING
        for each in [tag] if isinstance(tag, str) else tag:
            name = normalized(each).strip()
            is_postgresql = connection.vendor == "postgresql"
            matching |= models.Q(tags__contains=[name]) if is_postgresql else models.Q(is_in_json_list(name, "tags"))
        return self.filter(matching)

    def with_address(self, **columns: Any):
        """One address has all these values. `country` has to be equal, or one of several. Each other column is folded,
        and has to contain the value as `has_part` says."""
        addresses: Any = self.model._meta.get_field("addresses").related_model
        matching = models.Q(user=models.OuterRef("pk"))
        for column, value in columns.items():
            if column == "country":
                matching &= models.Q(country__in=[value] if isinstance(value, str) else value)
            elif folded := fold(value):
                matching &= has_part("search_text", folded) & has_part(column, folded)  # the first one has an index
            else:
                return self.none()
        return self.filter(models.Exists(addresses.objects.filter(matching)))

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


def has_part(column: str, text: str) -> models.Q:
    """The folded `text` is a part of the folded column. Without three letters or digits in a row it has to be the start
    of a word: the index knows no shorter parts."""
    if THREE_IN_A_ROW.search(text):
        return models.Q(**{f"{column}__contains": text})
    return models.Q(**{f"{column}__startswith": text}) | models.Q(**{f"{column}__contains": f" {text}"})


def has_part_of_email(text: str) -> models.Q:
    """The folded `text` with "@" and without spaces is a part of `search_text`.

    The index is asked for the part before "@": the trigrams of a domain are in very many rows. If that part is long,
    the index is asked for its start and its end only. Few emails share both, and it takes a quarter of the time.
    """
    local, _, _ = text.partition("@")
    words = THREE_IN_A_ROW.findall(local)
    if not words:
        return models.Q(search_text__contains=text)
    pieces = [f"{local}@"]
    if sum(map(len, words)) >= LONG_EMAIL:
        first, last = words[0][:END_OF_EMAIL], words[-1][-END_OF_EMAIL:]
        is_short = len(last) < END_OF_EMAIL and local.endswith(last)
        pieces = [first, f"{last}@" if is_short else last]  # with "@", it is the end of a word
    whole = Concat("search_text", models.Value(""), output_field=models.TextField())  # which no index looks up
    return models.Q(*(("search_text__contains", piece) for piece in pieces)) & models.Q(Contains(whole, text))


def has_rare_parts(text: str) -> models.Q:
    """What an index looks up of a folded `text` with words, for a query that also compares the whole text.

    In the trigrams of the whole text are the end of one word and the start of the next one. These are in so many rows
    that it takes ten times as long to look them up, too.
    """
    # The index knows no parts of less than three letters, but the starts and ends of words.
    words = [word if THREE_IN_A_ROW.search(word) else f" {word} " for word in text.split()]
    words[0] = words[0].removeprefix(" ")
    words[-1] = words[-1].removesuffix(" ")
    return models.Q(*(("search_text__contains", word) for word in words))


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

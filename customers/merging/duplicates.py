"""Finding customers who may be the same person."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from customers import ownership
from customers.core.postgres import bulk_insert, lock_until_commit
from customers.merging import keys
from customers.merging.keys import Key, Person
from customers.merging.models import Duplicate, MatchKey
from customers.models import Address, Customer, User

# A phone number or an address that more customers share is that of a company, or a placeholder.
MOST_WITH_ONE_KEY = 10


class DuplicateRows(ownership.Rows):
    """The pairs of a customer.

    A merge passes on the dismissed ones. It deletes the others: the search finds them again.
    """

    def __init__(self, column: str, partner_column: str):
        super().__init__(Duplicate, column)
        self.partner_column = partner_column

    def pass_on(self, kept_id, other_id):
        self.of(other_id).filter(dismissed_at=None).delete()
        for duplicate in self.of(other_id).exclude(**{self.partner_column: kept_id}):
            _save_dismissal(kept_id, getattr(duplicate, self.partner_column), signs=duplicate.signs)
        return {}


ROWS = (DuplicateRows("first_id", "second_id"), DuplicateRows("second_id", "first_id"))


def open_duplicates() -> QuerySet[Duplicate]:
    """The pairs to decide on, the most likely first."""
    pairs = Duplicate.objects.filter(dismissed_at=None).select_related("first", "second")
    return pairs.order_by("-score", "-id")


def of_customer(user_id: int) -> QuerySet[Duplicate]:
    return open_duplicates().filter(Q(first=user_id) | Q(second=user_id))


@transaction.atomic
def dismiss(duplicate_id: int) -> Duplicate:
    """These two are not the same person. Raises Duplicate.DoesNotExist."""
    duplicate = Duplicate.objects.select_for_update().get(pk=duplicate_id)
    duplicate.dismissed_at = duplicate.dismissed_at or timezone.now()
    duplicate.save(update_fields=["dismissed_at"])
    return duplicate


@transaction.atomic
def check(user_ids: Collection[int]) -> None:
    """Compares these customers with all others, and stores the pairs with a common sign. One search finds all pairs."""
    lock_until_commit(MatchKey)
    _save_keys(user_ids)
    _save_pairs(user_ids, _find_pairs(user_ids))


def _save_keys(user_ids: Collection[int]) -> None:
    """Writes only the keys that differ from the stored ones."""
    places: dict[int, list[tuple[str, str]]] = defaultdict(list)
    addresses = Address.objects.filter(user__in=user_ids).order_by()
    for user_id, country, postcode in addresses.values_list("user_id", "country", "search_postcode"):
        places[user_id].append((country, postcode))
    people = Customer.objects.filter(pk__in=user_ids).order_by()
    wanted: set[tuple[int, Key]] = set()
    for user_id, *person in people.values_list("pk", *keys.COLUMNS):
        wanted |= {(user_id, key) for key in keys.keys_of(Person(*person), places[user_id])}
    stored = MatchKey.objects.filter(user__in=user_ids).values_list("pk", "user_id", "sign", "key")
    ids = {(user_id, Key(keys.Sign(sign), key)): pk for pk, user_id, sign, key in stored}
    MatchKey.objects.filter(pk__in=[ids[each] for each in ids.keys() - wanted]).delete()
    new = sorted(wanted - ids.keys())
    bulk_insert(MatchKey, [MatchKey(user_id=user_id, sign=key.sign, key=key.key) for user_id, key in new])


def _find_pairs(user_ids: Collection[int]) -> dict[tuple[int, int], set[str]]:
    """The signs of each pair that has one of these customers, the lower id first."""
    mine = MatchKey.objects.filter(user__in=user_ids).values("key")
    counted = MatchKey.objects.filter(key__in=mine).values("key").annotate(number=Count("pk")).order_by()
    shared = counted.filter(number__gte=2, number__lte=MOST_WITH_ONE_KEY).values("key")
    owners: dict[Key, list[int]] = defaultdict(list)
    for sign, key, user_id in MatchKey.objects.filter(key__in=shared).values_list("sign", "key", "user_id"):
        owners[Key(keys.Sign(sign), key)].append(user_id)
    checked = set(user_ids)
    pairs: dict[tuple[int, int], set[str]] = defaultdict(set)
    for found, ids in owners.items():
        for position, one in enumerate(sorted(ids)):
            for other in sorted(ids)[position + 1 :]:
                if one in checked or other in checked:
                    pairs[one, other].add(found.sign)
    return pairs


def _save_pairs(user_ids: Collection[int], pairs: dict[tuple[int, int], set[str]]) -> None:
    stored = {(each.first_id, each.second_id): each for each in _pairs_with(user_ids)}
    gone = [each.pk for pair, each in stored.items() if pair not in pairs and each.dismissed_at is None]
    Duplicate.objects.filter(pk__in=gone).delete()
    changed: list[Duplicate] = []
    new: list[Duplicate] = []
    for (first, second), signs in pairs.items():
        columns: dict[str, Any] = {"signs": sorted(signs), "score": keys.score(signs)}
        if duplicate := stored.get((first, second)):
            if duplicate.signs != columns["signs"]:
                vars(duplicate).update(columns)
                changed.append(duplicate)
        else:
            new.append(Duplicate(first_id=first, second_id=second, **columns))
    Duplicate.objects.bulk_update(changed, ["signs", "score"])
    Duplicate.objects.bulk_create(new, ignore_conflicts=True)


def _pairs_with(user_ids: Collection[int]) -> Iterable[Duplicate]:
    # Two queries, each with its own index.
    yield from Duplicate.objects.filter(first__in=user_ids)
    yield from Duplicate.objects.filter(second__in=user_ids)


def _save_dismissal(one: int, other: int, *, signs: list[str]) -> None:
    first, second = sorted((one, other))
    columns = {"signs": signs, "score": keys.score(signs), "dismissed_at": timezone.now()}
    Duplicate.objects.update_or_create(first_id=first, second_id=second, defaults=columns)


def delete_orphans() -> None:
    """Deletes the keys of customers who were deleted while they were checked."""
    MatchKey.objects.filter(~Exists(User.objects.filter(pk=OuterRef("user_id")))).delete()

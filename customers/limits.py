"""How much of each thing the store keeps, and how much it accepts in one request. Lengths of single values stand with
their columns."""

from django.db.models import QuerySet

from customers.core.postgres import lock_until_commit
from oauth.errors import ServiceError

# Of a customer.
MAX_ADDRESSES = 1_000
MAX_TAGS = 250
MAX_METADATA_KEYS = 250
MAX_METADATA_BYTES = 32_000  # as JSON, so that a page of 250 customers has at most 8 MB of it
MAX_NOTE_LENGTH = 10_000
MAX_ADDRESS_NOTES_LENGTH = 1_000
MAX_CARTS = 1_000

# Of an order, a cart or a subscription.
MAX_ORDER_LINES = 250
MAX_LINE_QUANTITY = 100_000

# Of the store.
MAX_GROUPS = 1_000
MAX_SEGMENTS = 250
MAX_DEFINITIONS = 250  # of metadata
MAX_WEBHOOKS = 1_000
MAX_WEBHOOKS_OF_APP = 100  # also of the store itself
MAX_WAITING_EXPORTS = 10  # of an app

# Of an imported file.
MAX_COLUMNS = 500

# Of a request.
MAX_SEARCH_LENGTH = 1_000
MAX_SEARCH_WORDS = 10
MAX_LIST_ITEMS = 1_000
MAX_ERRORS = 20  # in one answer


class TooMany(ServiceError):
    """The store has as many of these as it keeps."""

    code = "too_many"


class SearchTooLong(ServiceError):
    code = "max_length"

    def __init__(self, *path: str | int):
        super().__init__(f"A search has at most {MAX_SEARCH_LENGTH} characters.", *path)


def shortened_search(text: str) -> str:
    """`text` without the words that are too many, for a person who searches."""
    text = text[:MAX_SEARCH_LENGTH]
    words = text.split()
    return text if len(words) <= MAX_SEARCH_WORDS else " ".join(words[:MAX_SEARCH_WORDS])


def require_room(rows: QuerySet, most: int, message: str, error: type[TooMany] = TooMany) -> None:
    """Raises `error` if there are `most` of these rows. Needs the transaction that adds one: another writer waits for
    its end, so two writers can't exceed the limit together."""
    lock_until_commit(rows.model)
    if rows.count() >= most:
        raise error(message)

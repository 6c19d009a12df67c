"""The part of the worker that ends blocks whose time is over."""

from threading import Event

from customers import services
from customers.core.polling import poll
from customers.models import User
from oauth.actor import SYSTEM
from oauth.clock import database_now

POLL = 15.0  # seconds
CHUNK = 500  # people in a transaction


def run(stop: Event, *, until_empty: bool = False) -> None:
    poll(lift_expired, stop, interval=POLL, until_empty=until_empty)


def lift_expired() -> bool:
    """Unblocks people whose `blocked_until` is past, as a member of staff would. Returns whether there were any."""
    now = database_now()
    expired = User.objects.filter(is_blocked=True, blocked_until__lte=now).order_by("blocked_until")
    ids = list(expired.values_list("pk", flat=True)[:CHUNK])

    def unblocked(user: User) -> dict[str, bool]:
        # Somebody may have blocked them for longer since.
        return {"is_blocked": False} if user.blocked_until and user.blocked_until <= now else {}

    return bool(ids) and bool(services.change_users(ids, by=SYSTEM, values=unblocked))

"""Exports that are requested over HTTP, and a worker that makes them."""

from threading import Event

from customers.jobs import worker
from tests.support.clients import ADMIN_API

EXPORTS = f"{ADMIN_API}exports/"
ALL_CUSTOMERS = {"type": "customer_list", "date_from": "2000-01-01T00:00:00Z", "date_to": "2100-01-01T00:00:00Z"}


def export_url(export) -> str:
    """`export`: as the API renders it, or its id."""
    return f"{EXPORTS}{export['id'] if isinstance(export, dict) else export}/"


def make_exports() -> None:
    """Runs a worker until no export is due."""
    worker.run(Event(), until_empty=True)


def downloaded(client, export, *, by) -> str:
    """The content of an export. `client` requests the link, and `by` opens it."""
    link = client.get(f"{export_url(export)}download/").json()["url"]
    return by.get(link).getvalue().decode()

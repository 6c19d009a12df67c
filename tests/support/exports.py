"""Exports that are asked for by HTTP, and workers that make them."""

from threading import Event

from customers.jobs import worker
from tests.support.clients import ADMIN_API

EXPORTS = f"{ADMIN_API}exports/"
EVERYBODY = {"type": "customer_list", "date_from": "2000-01-01T00:00:00Z", "date_to": "2100-01-01T00:00:00Z"}


def export_url(export) -> str:
    """Of an export as the API shows it, or of an id."""
    return f"{EXPORTS}{export['id'] if isinstance(export, dict) else export}/"


def work() -> None:
    """Until nothing is due."""
    worker.run(Event(), until_empty=True)


def downloaded(client, export, *, by) -> str:
    """What the link to an export holds, which `client` asks for and `by` opens."""
    link = client.get(f"{export_url(export)}download/").json()["url"]
    return by.get(link).getvalue().decode()

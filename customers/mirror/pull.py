"""Bringing in all customers of another store, page by page, newest first.

A job's options: `store` (its id here), `with_reports` (orders and subscriptions, too), and `next`: the page to go on
with. `position` are customers; those that are neither created, updated nor refused were as they are told.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import Any

from customers.insertion import analyze_after_bulk_insert
from customers.jobs import runner
from customers.jobs.models import Job, RejectedRow
from customers.mirror import apply, orders, payload
from customers.mirror.client import Refused, StoreClient
from customers.mirror.models import FollowedStore
from customers.mirror.payload import Told
from oauth.errors import ServiceError

PAGE_SIZE = 250  # the most that a store like this one gives at once
FIRST = f"users/?page_size={PAGE_SIZE}&limit={PAGE_SIZE}"
# Of a customer, which lists there are.
LISTS = {"order": ("orders", "orders_count"), "subscription": ("subscriptions", "subscriptions_count")}


@dataclass(slots=True)
class Page:
    """What was asked for at `as_of`. `refused`: entries that are no customers."""

    as_of: datetime
    next: str
    people: list[Told]
    refused: int = 0
    documents: dict[int, dict[str, list[Any]]] = field(default_factory=dict)


def begin(store: FollowedStore, *, with_reports: bool) -> Job:
    """A pull from the first page on, in place of one that was stopped."""
    digest = _digest(store)
    Job.objects.filter(digest=digest).delete()
    options = {"store": store.pk, "with_reports": with_reports, "next": FIRST}
    return runner.prepare(Job.Kind.PULL, digest=digest, options=options, started_at=apply.now())


def stopped(store: FollowedStore) -> Job | None:
    return Job.objects.filter(digest=_digest(store), finished_at=None).first()


def _digest(store: FollowedStore) -> str:
    """What a pull is known by, so that it can be gone on with."""
    return sha256(store.url.encode()).hexdigest()


def steps(job: Job, client: StoreClient) -> runner.Steps:
    """While a page is stored, the next one is read. Raises Unavailable, Refused."""
    store = FollowedStore.objects.get(pk=job.options["store"])
    created = job.created
    pool = ThreadPoolExecutor(1)

    def ask(path: str) -> "Future[Page]":
        return pool.submit(_read, client, path, apply.now(), bool(job.options["with_reports"]))

    try:
        coming: Future[Page] | None = ask(job.options["next"]) if job.options["next"] else None
        while coming:
            page = coming.result()
            coming = ask(page.next) if page.next else None
            yield partial(_keep, store, page)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    analyze_after_bulk_insert(job.created - created)


def _read(client: StoreClient, path: str, as_of: datetime, with_reports: bool) -> Page:
    answer = client.get(path)
    if not isinstance(answer, dict) or not isinstance(answer.get("results"), list):
        raise Refused(0, f"{client.url} did not answer with a page of customers.")
    page = Page(as_of, str(answer.get("next") or ""), [])
    for document in answer["results"]:
        try:
            page.people.append(payload.customer(document))
        except ServiceError:
            page.refused += 1
    for told in page.people if with_reports else ():
        if not told.is_staff:
            page.documents[told.id] = documents_of(client, told)
    return page


def documents_of(client: StoreClient, told: Told, *, all: bool = False) -> dict[str, list[Any]]:
    """By kind, those of a customer who has any by the counters; `all`: also of others. Raises Unavailable, Refused."""
    documents = {}
    for kind, (name, counter) in LISTS.items():
        if all or told.person.get(counter):
            answer = client.get(f"users/{told.id}/{name}/")
            listed = answer.get("results", [answer]) if isinstance(answer, dict) else answer
            documents[kind] = listed if isinstance(listed, list) else []
    return documents


def _keep(store: FollowedStore, page: Page, job: Job) -> None:
    result = apply.copy(store, page.people, as_of=page.as_of)
    reasons = [(id, "", reason) for id, reason in result.conflicts.items()]
    for id, names in result.left_out.items():
        reasons += [(id, name, "can't be kept, and was left out") for name in names]
    for id, documents in page.documents.items():
        if documents and id not in result.conflicts:
            reasons += [(id, "", reason) for reason in orders.keep(store, id, documents)]
    RejectedRow.objects.bulk_create(
        RejectedRow(job=job, line=id, field=name, reason=reason) for id, name, reason in reasons
    )
    job.created += len(result.created)
    job.updated += len(result.updated)
    job.rejected += len(result.conflicts) + page.refused
    job.position += len(page.people) + page.refused
    job.cursor = page.people[-1].id if page.people else job.cursor
    job.options = {**job.options, "next": page.next, "staff": job.options.get("staff", 0) + len(result.staff)}
    job.save(update_fields=["options"])

"""Pulls all customers of another store, page by page, newest first.

A pull is a job. Its `position` counts customers; those that were not created, updated, rejected or skipped are
unchanged.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import Any

from customers.insertion import finish_bulk_insert
from customers.jobs import runner
from customers.jobs.models import Job, RejectedRow
from customers.jobs.registry import JobType, Options, Steps
from customers.mirror import apply, orders
from customers.mirror.client import StoreClient
from customers.mirror.models import MirroredStore
from customers.mirror.orders import DOCUMENT_TYPES
from customers.mirror.payload import RemoteCustomer, RemotePage, parse_page
from oauth.clock import database_now

PAGE_SIZE = 250  # the most that a store of this API gives at once
FIRST_PAGE = f"users/?page_size={PAGE_SIZE}&limit={PAGE_SIZE}"

Documents = dict[str, list[Any]]  # a customer's orders and subscriptions, by the names of DOCUMENT_TYPES


@dataclass(frozen=True, kw_only=True)
class PullOptions(Options):
    """`store`: the store's id here. `with_orders`: orders and subscriptions, too. `next`: the link to the next page, or
    an empty text. `staff`: how many staff accounts were skipped."""

    store: int
    with_orders: bool
    next: str
    staff: int = 0


class Pull(JobType[PullOptions]):
    """A management command runs it, because the steps need the token of the store."""

    key, label, options_type = "pull", "Pull", PullOptions


PULL = Pull()


@dataclass(frozen=True, slots=True)
class FetchedPage:
    """`as_of`: when the page was requested. `documents`: by ids of customers."""

    page: RemotePage
    as_of: datetime
    documents: dict[int, Documents]


def start_pull(store: MirroredStore, *, with_orders: bool) -> Job:
    """A pull that starts at the first page. It replaces an earlier one of this store."""
    digest = _digest(store)
    Job.objects.filter(digest=digest).delete()
    options = PullOptions(store=store.pk, with_orders=with_orders, next=FIRST_PAGE)
    return runner.create(PULL, options, digest=digest, started_at=database_now())


def unfinished_pull(store: MirroredStore) -> Job | None:
    return Job.objects.filter(digest=_digest(store), finished_at=None).first()


def _digest(store: MirroredStore) -> str:
    """Identifies the store's pull, so that it can be resumed."""
    return sha256(store.url.encode()).hexdigest()


def steps(job: Job, client: StoreClient) -> Steps:
    """Each step saves a page. Meanwhile the next page is fetched.

    Raises StoreUnavailable, StoreRefused, InvalidPayload.
    """
    options = PULL.options_of(job)
    store = MirroredStore.objects.get(pk=options.store)
    pool = ThreadPoolExecutor(1)

    def fetch(link: str) -> "Future[FetchedPage] | None":
        return pool.submit(_fetch, client, link, database_now(), options.with_orders) if link else None

    try:
        coming = fetch(options.next)
        while coming:
            fetched = coming.result()
            coming = fetch(fetched.page.next)
            yield partial(_save, store, fetched)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    finish_bulk_insert(job.created)


def fetch_documents(client: StoreClient, customer: RemoteCustomer, *, ignore_counters: bool = False) -> Documents:
    """A customer's orders and subscriptions, each requested only if the counter says that there are any, unless
    `ignore_counters`. Raises StoreUnavailable, StoreRefused."""
    documents: Documents = {}
    for name, document_type in DOCUMENT_TYPES.items():
        if ignore_counters or customer.fields.get(document_type.counter):
            answer = client.get(f"users/{customer.id}/{document_type.path}/")
            listed = answer.get("results", [answer]) if isinstance(answer, dict) else answer
            documents[name] = listed if isinstance(listed, list) else []
    return documents


def _fetch(client: StoreClient, link: str, as_of: datetime, with_orders: bool) -> FetchedPage:
    page = parse_page(client.get(link))
    customers = [customer for customer in page.customers if with_orders and not customer.is_staff]
    return FetchedPage(page, as_of, {customer.id: fetch_documents(client, customer) for customer in customers})


def _save(store: MirroredStore, fetched: FetchedPage, job: Job) -> None:
    page = fetched.page
    result = apply.sync(store, page.customers, as_of=fetched.as_of)
    problems = [(id, "", str(reason)) for id, reason in result.conflicts.items()]
    for id, names in result.dropped.items():
        problems += [(id, name, "the value can't be stored and was dropped") for name in names]
    for id, documents in fetched.documents.items():
        if documents and id not in result.conflicts:
            problems += [(id, "", reason) for reason in orders.store_documents(store, id, documents)]
    RejectedRow.objects.bulk_create(
        RejectedRow(job=job, line=id, field=name, reason=reason) for id, name, reason in problems
    )
    job.created += len(result.created)
    job.updated += len(result.updated)
    job.rejected += len(result.conflicts) + page.rejected
    job.position += len(page.customers) + page.rejected
    job.cursor = page.customers[-1].id if page.customers else job.cursor
    options = PULL.options_of(job)
    job.options_json = replace(options, next=page.next, staff=options.staff + len(result.staff)).to_json()
    job.save(update_fields=["options_json"])

"""What is deleted of old jobs once a day."""

from collections.abc import Iterator

from customers.core.retention import delete_in_batches, end_of
from customers.jobs import runner
from customers.jobs.exports.parts import delete_strays
from customers.jobs.models import DryRunEmail


def delete_old() -> Iterator[int]:
    """Yields numbers of deleted jobs. Their rows, which may be many, are deleted before them."""
    delete_strays(end_of("files"))
    for rows in (runner.old_rejected_rows(), DryRunEmail.objects.filter(job__in=runner.old_jobs())):
        for _ in delete_in_batches(rows):
            yield 0
    yield runner.delete_old()

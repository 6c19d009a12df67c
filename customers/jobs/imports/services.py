"""Imports of uploaded files: keeping the file, and showing its first rows."""

from itertools import islice
from typing import BinaryIO

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from customers.jobs import runner
from customers.jobs.imports import parse
from customers.jobs.imports.header import FileFormat, detect_format
from customers.jobs.imports.load import IMPORT, ImportOptions, open_file
from customers.jobs.imports.values import DateOrder, order_of
from customers.jobs.models import Job, JobFile
from customers.models import User

SHOWN_ROWS = 3
READ_ROWS = 1_000  # to find out the order of dates


def create(file: UploadedFile, *, by: User, delimiter: str = "") -> Job:
    """Keeps a file for an import. `delimiter`: see `detect_format`. Raises ServiceError if it can't be read."""
    file_format = detect_format(file, delimiter)  # type: ignore[arg-type]  # it reads as a file does
    with transaction.atomic():
        order = _date_order(file, file_format)  # type: ignore[arg-type]
        options = ImportOptions(file_name=file.name or "", file_format=file_format, date_order=order)
        job = runner.create(IMPORT, options, started_by=by, total=file.size or 0)
        JobFile.objects.create(job=job, file=file)
    return job


def _date_order(file: BinaryIO, file_format: FileFormat) -> DateOrder:
    """The order that the first rows of the file prove: no month has a number above 12."""
    fields = {header: field for header, field in file_format.map_columns({}).items() if field == "date_joined"}
    if fields:
        for row in islice(parse.rows(file, file_format, fields), READ_ROWS):
            value = row.values.get("date_joined") if isinstance(row.values, dict) else None
            order = order_of(value) if isinstance(value, str) else DateOrder.UNKNOWN
            if order:
                return order
    return DateOrder.UNKNOWN


def first_rows(job: Job) -> list[dict[str, str]]:
    """The first readable rows: text by header. Raises FileDeleted."""
    file_format = IMPORT.options_of(job).file_format
    with open_file(job) as file:
        rows = islice(parse.rows(file, file_format, {header: header for header in file_format.headers}), SHOWN_ROWS)
        return [
            {header: str(value).encode(errors="replace").decode() for header, value in row.values.items()}
            for row in rows
            if isinstance(row.values, dict)
        ]

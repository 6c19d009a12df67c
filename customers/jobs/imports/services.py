"""Imports of uploaded files: keeping the file, and showing its first rows."""

from itertools import islice

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from customers.jobs import runner
from customers.jobs.imports import parse
from customers.jobs.imports.header import detect_format
from customers.jobs.imports.load import IMPORT, ImportOptions, open_file
from customers.jobs.models import Job, JobFile
from customers.models import User

SHOWN_ROWS = 3


def create(file: UploadedFile, *, by: User, delimiter: str = "") -> Job:
    """Keeps a file for an import. `delimiter`: see `detect_format`. Raises ServiceError if it can't be read."""
    file_format = detect_format(file, delimiter)  # type: ignore[arg-type]  # it reads as a file does
    with transaction.atomic():
        options = ImportOptions(file_name=file.name or "", file_format=file_format)
        job = runner.create(IMPORT, options, started_by=by, total=file.size or 0)
        JobFile.objects.create(job=job, file=file)
    return job


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

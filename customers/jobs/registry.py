"""The types of jobs. Each capability registers one object per type; code that runs or shows a job asks that object."""

from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

if TYPE_CHECKING:
    from customers.jobs.models import Job

MAX_KEY_LENGTH = 16  # of the column `Job.kind`; SQLite would store more

# One step of a job. It is called within a transaction, and sets the counters and the cursor of the job.
Step = Callable[["Job"], None]
# The remaining steps of a job. The next one is asked for only after the last one was run; it may be closed early.
Steps = Generator[Step, None, None]


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the steps of a job need to know. The values are stored in the job as JSON."""

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        return cls(**value)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def without_personal_data(self) -> Self:
        """What a finished job keeps."""
        return self


OptionsT = TypeVar("OptionsT", bound=Options)


class JobType(Generic[OptionsT]):
    """One type of job: what it is called, what it needs to know, what it does, and who runs it."""

    key: str  # stored in `Job.kind`, so at most MAX_KEY_LENGTH characters
    label: str
    options_type: type[OptionsT]
    permission = ""  # needed to see and run it in the dashboard. Empty: only a management command runs it
    runs_in_worker = False  # the worker runs it, and not only the open page of the job
    rejected_rows_are_personal = False  # they hold what the source says about people, and are deleted as a file is

    def options_of(self, job: "Job") -> OptionsT:
        return self.options_type.from_json(job.options_json)

    def steps(self, job: "Job") -> Steps:
        """The steps from the job's cursor on, where they need nothing but the job."""
        raise NotImplementedError

    def on_finish(self, job: "Job") -> None:
        """Called once, in the transaction that finishes the job."""

    def title(self, job: "Job") -> str:
        return f"{self.label}: {number_of_customers(job.total)}"

    def customers(self, job: "Job") -> int:
        """How many customers the job has processed."""
        return job.position

    def outcome(self, job: "Job") -> list[tuple[int, str]]:
        """The counters that a finished job shows, each with its label."""
        return [(job.updated, "changed")]


def number_of_customers(number: int) -> str:
    return "1 customer" if number == 1 else f"{number:,} customers"


_types: dict[str, JobType] = {}


def register(*types: JobType) -> None:
    """Raises ValueError for a key that is too long."""
    if too_long := [each.key for each in types if len(each.key) > MAX_KEY_LENGTH]:
        raise ValueError(f"The key of a type of job has at most {MAX_KEY_LENGTH} characters: {', '.join(too_long)}.")
    _types.update({each.key: each for each in types})


def get(key: str) -> JobType:
    """Raises KeyError for a type that nobody has registered."""
    return _types[key]


def all_types() -> Iterable[JobType]:
    return _types.values()

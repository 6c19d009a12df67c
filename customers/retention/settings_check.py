from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning

from oauth.audit.models import KEPT_AT_LEAST

# Personal data of people who expect it to go: uploaded and exported files, and customers who were merged away.
NEVER_FOREVER = ("files", "jobs", "merges")


def check_days(**_: Any) -> list[CheckMessage]:
    days = settings.RETENTION_DAYS
    found: list[CheckMessage] = [
        Error(f"RETENTION_{name.upper()}_DAYS is {number}: it has to be 0 or more.", id="retention.E001")
        for name, number in days.items()
        if number is not None and number < 0
    ]
    found += [
        Error(f"RETENTION_{name.upper()}_DAYS has to be 1 or more.", id="retention.E002")
        for name in NEVER_FOREVER
        if days[name] == 0
    ]
    log, timeline = days["security_log"], days["timeline"]
    if log is not None and log < KEPT_AT_LEAST.days:
        found.append(Error(f"RETENTION_SECURITY_LOG_DAYS has to be {KEPT_AT_LEAST.days} or more.", id="retention.E003"))
    if timeline is not None and (log is None or timeline < log):
        message = "RETENTION_TIMELINE_DAYS is shorter than RETENTION_SECURITY_LOG_DAYS."
        hint = "Former email addresses are known from the timeline: erasing a customer would miss them in the log."
        found.append(Warning(message, hint=hint, id="retention.W001"))
    return found

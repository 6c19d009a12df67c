"""The log of erasures outlives the database: a restored backup is brought up to date by it."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.management import CommandError, call_command
from django.db import connection

from customers.merging import services as merging
from customers.models import Event, User
from customers.privacy import erasure_log
from customers.privacy.erasure import erase
from oauth.actor import SYSTEM
from oauth.audit.models import AuditEvent
from tests.support.factories import make_user

pytestmark = pytest.mark.usefixtures("files")


@pytest.fixture
def erase_and_commit(django_capture_on_commit_callbacks):
    def run(user: User) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            erase(user.pk, by=SYSTEM)

    return run


def restore(*users: User) -> None:
    """The rows as a backup from before the erasure has them."""
    ids = [user.pk for user in users]
    Event.objects.filter(user__in=ids).delete()
    for user in users:
        user.save(
            force_update=user in User.objects.filter(pk__in=ids), force_insert=not User.objects.filter(pk=user.pk)
        )


def apply(**options) -> str:
    output = StringIO()
    call_command("apply_erasures", stdout=output, **options)
    return output.getvalue()


def logged_ids() -> list[int]:
    return [entry.customer_id for entry in erasure_log.entries()]


def test_erasure_is_logged_outside_the_database_without_personal_data(db, erase_and_commit):
    ada = make_user(email="ada@example.com", first_name="Ada")

    erase_and_commit(ada)

    [name] = storages["erasures"].listdir("")[1]
    with storages["erasures"].open(name) as file:
        assert b"ada" not in file.read().lower()
    assert logged_ids() == [ada.pk]


def test_erasure_that_is_rolled_back_is_not_logged(db):
    ada = make_user()

    erase(ada.pk, by=SYSTEM)  # the test's own transaction is never committed

    assert logged_ids() == []


def test_apply_erasures_erases_who_is_back_and_nobody_else(db, erase_and_commit):
    ada, grace = make_user(first_name="Ada"), make_user(first_name="Grace")
    erase_and_commit(ada)
    restore(ada)

    assert apply() == f"1 customers erased again.\nCustomer {ada.pk}\n"

    ada.refresh_from_db()
    grace.refresh_from_db()
    assert (ada.first_name, ada.email, grace.first_name) == ("", None, "Grace")
    assert apply() == "0 customers erased again.\n"


def test_apply_erasures_finds_the_customers_that_were_merged_into_an_erased_one(
    db, erase_and_commit, django_capture_on_commit_callbacks
):
    ada, zoe = make_user(first_name="Ada"), make_user(first_name="Zoe")
    merging.merge(ada.pk, zoe.pk, by=SYSTEM)
    erase_and_commit(User.objects.get(pk=ada.pk))
    restore(ada, zoe)

    apply()

    assert set(User.objects.filter(pk__in=(ada.pk, zoe.pk)).values_list("first_name", flat=True)) == {""}


def test_apply_erasures_never_lets_an_erased_id_be_assigned_again(db, erase_and_commit):
    ada = make_user()
    entry = erasure_log.Entry(Event.objects.create(user=ada, kind=Event.Kind.ERASED).at, ada.pk + 50)
    storages["erasures"].save(entry.file_name, ContentFile(b"{}"))

    apply()

    assert make_user().pk > ada.pk + 50


def test_apply_erasures_names_a_member_of_staff_whom_it_can_not_erase(db, owner, erase_and_commit):
    entry = erasure_log.Entry(owner.date_joined + timedelta(seconds=1), owner.pk)
    storages["erasures"].save(entry.file_name, ContentFile(b"{}"))

    with pytest.raises(CommandError, match=f"Customer {owner.pk} was not erased: Staff accounts can't be erased."):
        apply()


def test_worker_writes_an_entry_that_the_erasing_process_could_not_write(db, erase_and_commit, settings, caplog):
    ada = make_user()
    working = settings.STORAGES
    broken = {**working["erasures"], "OPTIONS": {"location": "/proc/erasures"}}
    settings.STORAGES = {**working, "erasures": broken}
    erase_and_commit(ada)
    assert f"The erasure of customer {ada.pk} is not in the log of erasures yet." in caplog.text
    missing = erasure_log.MissingEntries()
    missing.write()
    settings.STORAGES = working
    assert logged_ids() == []

    missing.write()

    assert logged_ids() == [ada.pk]
    assert AuditEvent.objects.filter(event="customer_erased").count() == 1
    missing.write()
    assert logged_ids() == [ada.pk]


def test_backup_commands_refer_to_the_document_on_postgresql(db):
    if connection.vendor != "postgresql":
        pytest.skip("about PostgreSQL")

    for command in ("backup", "restore"):
        with pytest.raises(CommandError, match=r"docs/backup.md"):
            call_command(command, "backups")

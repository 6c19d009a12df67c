"""Import of customers by uploading a file: what files of other programs have."""

import re

from django.core.files.uploadedfile import SimpleUploadedFile

from customers.jobs.imports import load
from customers.jobs.models import Job, RejectedRow
from customers.models import Address, User
from tests.support.cases import each
from tests.support.pages import fields_of
from tests.support.uploads import UPLOAD, send


def test_second_column_of_a_name_is_shown_and_can_be_chosen(dashboard_client, upload):
    page = upload("Email,Phone,Phone,\nada@example.com,+442079460018,+442079460019,x\n")
    fields = fields_of(dashboard_client.get(page), "job-form")

    assert [fields[f"column_{number}"] for number in range(4)] == ["email", "phone_number", "", ""]
    shown = dashboard_client.get(page).content.decode()
    assert "Phone (column 3)" in shown
    assert "(column 4)" in shown
    send(dashboard_client, page, column_1="", column_2="phone_number")
    assert User.objects.get(email="ada@example.com").phone_number == "+442079460019"


def test_order_of_dates_is_chosen_with_the_columns(dashboard_client, upload):
    page = upload("Email,Created At\nada@example.com,05/01/2020\n")

    send(dashboard_client, page, date_order="day-first")

    assert User.objects.get(email="ada@example.com").date_joined.date().isoformat()[:7] == "2020-01"


@each(
    "dates, order",
    [
        (["05/01/2020", "31/01/2020"], "day-first"),
        (["05/01/2020", "1/31/2020"], "month-first"),
        (["05/01/2020", "2020-01-31"], ""),
    ],
)
def test_order_of_dates_is_suggested_where_a_day_above_12_proves_it(dashboard_client, upload, dates, order):
    rows = "".join(f"p{number}@example.com,{date}\n" for number, date in enumerate(dates))

    page = upload(f"Email,Customer Since\n{rows}")

    assert fields_of(dashboard_client.get(page), "job-form")["date_order"] == order


def test_country_of_addresses_without_one_is_chosen_with_the_columns(dashboard_client, upload):
    page = upload("Email,Straße,Ort,Land\nada@example.com,Gasse 1,Wien,\nbo@example.com,Rue 1,Paris,Frankreich\n")

    done = send(dashboard_client, page, country="AT").content.decode()

    assert "<strong>2</strong> created" in done
    assert list(Address.objects.order_by("line1").values_list("country", flat=True)) == ["AT", "FR"]


def test_delimiter_is_chosen_with_the_file(dashboard_client):
    file = SimpleUploadedFile("a.csv", b"Email;a,b,c\nada@example.com;x\n")

    page = dashboard_client.post(UPLOAD, {"file": file, "delimiter": ";"}).headers["Location"]

    assert "a,b,c" in dashboard_client.get(page).content.decode()


def test_unclosed_quotation_mark_is_listed_and_costs_one_row(dashboard_client, upload):
    done = send(dashboard_client, upload('Email,Name\nkay@example.com,"Kay\nlou@example.com,Lou\n')).content.decode()

    assert "<strong>1</strong> created" in done
    assert "<td>2</td><td>Kay, kay@example.com</td><td><div>A quotation mark is not closed.</div></td>" in done


def test_warnings_are_listed_apart(dashboard_client, upload):
    done = send(dashboard_client, upload("Email,Language\nada@example.com,tlh\n")).content.decode()

    assert "<strong>0</strong> rejected" in done
    assert "<strong>1</strong> with a warning" in done
    assert ">Warnings</h2>" in done
    assert "Language: The store does not have this language" in done
    assert "rejected row" not in done


def test_report_names_the_person_and_all_reasons_in_the_words_of_the_file(dashboard_client, upload):
    text = "E-Mail Address,Given name,SURNAME,Mobile,Street,Town,Land\nada@,Ada,King,12,1 High St,,Atlantis\n"

    done = send(dashboard_client, upload(text)).content.decode()

    row = re.search(r"<tr><td>2</td>.*?</tr>", done)[0]
    assert "<td>Ada King, ada@</td>" in row
    assert re.findall(r"<div>([\w-]+(?: Address)?):", row) == ["E-Mail Address", "Land", "Town"]
    assert "“Atlantis”" in row


def test_missing_column_of_an_address_is_named_in_plain_words(dashboard_client, upload):
    page = upload("Email,Street,City\nada@example.com,1 High St,Leeds\n")

    assert "country: This field is required." in send(dashboard_client, page).content.decode()


def test_values_that_are_probably_wrong_are_imported_with_a_warning(dashboard_client, upload):
    page = upload('Email,First Name,Tags\nada@example.com,=1+1,newsletter;gift\nbo@example.com,Bo,"a,b"\n')

    done = send(dashboard_client, page).content.decode()

    assert "<strong>2</strong> created" in done
    assert "<strong>1</strong> with a warning" in done
    assert "First Name: A spreadsheet would compute this as a formula." in done
    assert "Tags: This became one tag. Separate tags by commas. Given: “newsletter;gift”." in done


def test_only_the_first_warnings_are_kept(dashboard_client, upload, monkeypatch):
    monkeypatch.setattr(load, "MAX_WARNINGS", 2)
    monkeypatch.setattr(load, "PAGE_CHUNK", 1)

    send(dashboard_client, upload("Email,Language\n" + "".join(f"p{n}@example.com,tlh\n" for n in range(4))))

    assert RejectedRow.objects.count() == 2
    assert Job.objects.get().warnings == 4


def test_reasons_of_an_earlier_import_are_no_column_to_choose(dashboard_client, upload):
    page = upload("Email,Refused because\nada@example.com,Line 2: x\n")

    assert "Refused because" not in dashboard_client.get(page).content.decode()
    assert "<strong>1</strong> created" in send(dashboard_client, page).content.decode()

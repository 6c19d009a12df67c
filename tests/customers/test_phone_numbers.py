"""Which phone numbers are accepted, on every surface alike, and how they are found."""

import pytest

from customers.models import Address, User
from tests.support.cases import each
from tests.support.clients import USERS, refusal, user_url
from tests.support.dashboard import CUSTOMERS, save_address, save_customer
from tests.support.factories import make_user, make_users
from tests.support.medusa import id_of
from tests.support.pages import fields_of, new_address

VALID = "Enter a valid phone number."
EXTENSION = "E.164 has no extensions: leave it out."
# The country of the first address, a number, and why it is refused.
REFUSED = [
    # Local numbers without an area code.
    ("US", "555-0123", VALID),
    ("GB", "1111", VALID),
    ("CA", "555-0199", VALID),
    ("GB", "496 0018", VALID),
    ("BR", "3456-7890", VALID),
    # Their length fits, but no plan has them.
    ("US", "000-000-0000", VALID),
    ("US", "+1 555 123 4567", VALID),
    ("US", "123-456-7890", VALID),
    ("GB", "+44 4000 000000", VALID),
    ("FR", "+33000000000", VALID),
    # Letters.
    ("FR", "+33 6 12 34 XX XX", VALID),
    ("FR", "+33 6 12 34 XXXX", VALID),
    ("FR", "+33 6 12 34 56 7O", VALID),
    ("GB", "mobile 07400 123456", VALID),
    ("US", "1-800-GO-FEDEX", VALID),
    ("US", "FLOWERS-1-800", VALID),
    ("GB", "+44 20 7946 0018 a", VALID),
    # Extensions.
    ("US", "+1 212 555 0100 ext. 5", EXTENSION),
    ("US", "+1 212 555 0100 x5", EXTENSION),
    ("US", "+1 212 555 0100;ext=5", EXTENSION),
    ("US", "+1 212 555 0100 #5", EXTENSION),
    ("US", "(212) 555-0100 extension 77", EXTENSION),
    ("US", "212 555 0100,,123", EXTENSION),
    ("GB", "020 7946 0018 #123456789", EXTENSION),
]
# The country of the first address, a number, and how it is kept.
KEPT = [
    ("US", "1-800-FLOWERS", "+18003569377"),
    ("US", "1 800 flowers", "+18003569377"),
    ("US", "(202) 555-0143", "+12025550143"),
    ("GB", "020 7946 0018", "+442079460018"),
    ("GB", "+44 (0)20 7946 0018", "+442079460018"),
    ("GB", "０２０ ７９４６ ００１８", "+442079460018"),
    ("AE", "٠٢ ٦٢٣ ٤٥٦٧", "+97126234567"),
    ("US", "tel:+1-202-555-0143", "+12025550143"),
]


def place(country: str) -> dict:
    return {"line1": "1 High St", "line4": "Springfield", "country": country}


@pytest.fixture
def ways_in(api, dashboard_client, import_file, csv_file):
    """By the name of a surface: `enter(country, number)` stores it for a new customer. The result is the answer's text
    if it was refused, else an empty text."""
    client = api("users:read", "users:write")

    def admin_api(country, number):
        body = {"email": "in@example.com", "phone_number": number, "addresses": [place(country)]}
        answer = client.post(USERS, body)
        return refusal(answer, 201)

    def admin_api_change(country, number):
        user = make_user(email="in@example.com", addresses=[place(country)])
        answer = client.patch(user_url(user), {"phone_number": number})
        return refusal(answer, 200)

    def admin_api_address(country, number):
        body = {"email": "in@example.com", "addresses": [{**place(country), "phone_number": number}]}
        answer = client.post(USERS, body)
        return refusal(answer, 201)

    def medusa(country, number):
        user = make_user(email="in@example.com", addresses=[place(country)])
        answer = client.post(f"/admin/customers/{id_of(user)}", {"phone": number})
        return refusal(answer, 200)

    def dashboard(country, number):
        page = dashboard_client.get(f"{CUSTOMERS}add/")
        fields = {"email": "in@example.com", "phone_number": number, **new_address(country=country)}
        answer = dashboard_client.post(f"{CUSTOMERS}add/", {**fields_of(page), **fields})
        return refusal(answer, 302)

    def file(country, number):
        header = ["email", "phone_number", "address_line1", "address_line4", "address_country"]
        row = ["in@example.com", number, "1 High St", "Springfield", country]
        code, output = import_file(csv_file([row], header=header))
        return "" if code == 0 else output

    return {
        "Admin API": admin_api,
        "Admin API, change": admin_api_change,
        "Admin API, address": admin_api_address,
        "Medusa": medusa,
        "dashboard": dashboard,
        "import": file,
    }


class TestEveryWayIn:
    @each("country,number,reason", REFUSED)
    def test_number_that_cannot_be_called_is_refused(self, ways_in, country, number, reason):
        for surface, enter in ways_in.items():
            assert reason in enter(country, number), surface
            kept = User.objects.filter(email="in@example.com").values_list("phone_number", flat=True)
            assert set(kept) <= {None, ""}, surface
            User.objects.filter(email="in@example.com").delete()

    @each("country,number,kept", KEPT)
    def test_number_is_kept_in_e164(self, ways_in, country, number, kept):
        for surface, enter in ways_in.items():
            assert enter(country, number) == "", surface
            user = User.objects.get(email="in@example.com")
            assert user.phone_number == kept, surface
            user.delete()

    @each("country,number,kept", [("US", "+1 555 123 4567", "+15551234567"), ("FR", "+33 000000000", "+33000000000")])
    def test_setting_accepts_numbers_whose_length_fits(self, ways_in, settings, country, number, kept):
        settings.PHONE_NUMBERS = "possible"

        for surface, enter in ways_in.items():
            assert enter(country, number) == "", surface
            User.objects.get(email="in@example.com", phone_number=kept).delete()

    @each("country,number,reason", [case for case in REFUSED if case[1] in ("555-0123", "1111", "+33 6 12 34 XX XX")])
    def test_setting_keeps_local_numbers_and_letters_out(self, ways_in, settings, country, number, reason):
        settings.PHONE_NUMBERS = "possible"

        assert reason in ways_in["Admin API"](country, number)


class TestOldNumber:
    """A number that the rules would refuse today, since its plan or the rules have changed."""

    @each("number", ["+15551234567", "020 7946", "ask Ada"])
    def test_customer_with_an_old_number_is_changed_without_it(self, api, dashboard_client, number):
        [user] = make_users(1, phone_number=number)
        Address.objects.create(user=user, phone_number=number, **place("US"))

        answer = api("users:write").patch(user_url(user), {"first_name": "Ada", "phone_number": number})
        saved = save_customer(dashboard_client, user, last_name="King")
        moved = save_address(dashboard_client, user, user.addresses.get(), line2="Attic")

        assert (answer.status_code, saved.status_code, moved.status_code) == (200, 302, 302)
        user.refresh_from_db()
        assert (user.first_name, user.last_name, user.phone_number) == ("Ada", "King", number)
        assert user.addresses.get().phone_number == number


class TestFind:
    @each(
        "text",
        [
            "+44 (0)20 7946 0018",
            "+442079460018",
            "44 (0)20 7946 0018",  # a plus sign that was not encoded is a space
            "020 7946 0018",
            "(020) 7946-0018",
            "７９４６００１８",
            "＋４４ ２０ ７９４６ ００１８",
            "٠٢٠٧٩٤٦٠٠١٨",
            "020‑7946‑0018",
            "7946 0018",
        ],
    )
    def test_number_finds_its_customer_as_it_was_accepted(self, api, dashboard_client, text):
        make_user(email="ada@example.com", phone_number="+442079460018")
        make_user(email="other@example.com", phone_number="+442079460123")

        answer = api("users:read").get(USERS, {"phone_number": text}).json()
        page = dashboard_client.get(CUSTOMERS, {"q": text}).content.decode()

        assert [user["email"] for user in answer["results"]] == ["ada@example.com"]
        assert ("ada@example.com" in page, "other@example.com" in page) == (True, False)

    @each("text", ["1-800-FLOWERS", "+1 800 flowers", "1 (800) 356-9377"])
    def test_vanity_number_finds_its_customer(self, api, text):
        make_user(email="ada@example.com", phone_number="+18003569377")
        make_user(email="other@example.com", phone_number="+18002255288")

        answer = api("users:read").get(USERS, {"phone_number": text}).json()

        assert [user["email"] for user in answer["results"]] == ["ada@example.com"]

    @each("text", ["x", "+", "()", "٫"])
    def test_text_without_digits_finds_nobody(self, api, text):
        make_user(phone_number="+442079460018")

        assert api("users:read").get(USERS, {"phone_number": text}).json()["results"] == []

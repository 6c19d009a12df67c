"""Which spellings of values `manage.py import_customers` reads, and which headers it knows."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from customers.jobs.imports.countries import country_code
from customers.jobs.imports.header import FileFormat
from customers.models import User
from oauth.scopes import Scope
from tests.support.cases import each
from tests.support.clients import USERS

COUNTRIES = {
    "US": ["United States", "USA", "U.S.A.", "us", "United States of America", "Vereinigte Staaten", "États-Unis"],
    "GB": ["UK", "U.K.", "United Kingdom", "GBR", "Great Britain", "Storbritannien", "Iso-Britannia"],
    "KR": ["South Korea", "Korea, Republic of", "Südkorea", "Corea del Sur"],
    "CZ": ["Czech Republic", "Czechia", "Tschechien", "Tsjekkia"],
    "TR": ["Turkey", "Türkiye", "TURKIYE", "Turquía"],
    "FR": ["Frankreich", "France", "Ranska", "ฝรั่งเศส", "FRA"],
    "CI": ["Côte d’Ivoire", "Cote d'Ivoire", "Ivory Coast", "Elfenbenskysten"],
    "NL": ["the Netherlands", "Holland", "Pays-Bas", "Países Bajos"],
    "RU": ["Russia", "Russian Federation"],
    "VN": ["Vietnam", "Viet Nam"],
    "BA": ["Bosnia & Herzegovina", "Bosnia and Herzegovina"],
    "XK": ["XK", "Kosovo", "XKX"],
    None: ["Atlantis", "XX", "Nirgendwo", "", "Saint"],
}
# The headers of a file, and the fields that they are taken for.
KNOWN_FILES = {
    "Outlook": {
        "First Name": "first_name",
        "Last Name": "last_name",
        "Company": "",
        "Business Street": "",
        "Business City": "",
        "Home Street": "address_line1",
        "Home Street 2": "address_line2",
        "Home City": "address_line4",
        "Home State": "address_state",
        "Home Postal Code": "address_postcode",
        "Home Country/Region": "address_country",
        "Business Phone": "",
        "Mobile Phone": "phone_number",
        "E-mail Address": "email",
        "E-mail 2 Address": "",
        "Language": "language",
    },
    "Google Contacts": {
        "First Name": "first_name",
        "Last Name": "last_name",
        "Labels": "tags",
        "E-mail 1 - Label": "",
        "E-mail 1 - Value": "email",
        "Phone 1 - Label": "",
        "Phone 1 - Value": "phone_number",
        "Address 1 - Formatted": "",
        "Address 1 - Street": "address_line1",
        "Address 1 - City": "address_line4",
        "Address 1 - Region": "address_state",
        "Address 1 - Postal Code": "address_postcode",
        "Address 1 - Country": "address_country",
        "Address 1 - Extended Address": "address_line2",
    },
    "Shopify": {
        "Customer ID": "",
        "First Name": "first_name",
        "Last Name": "last_name",
        "Email": "email",
        "Accepts Email Marketing": "accepts_marketing",
        "Default Address Company": "",
        "Default Address Address1": "address_line1",
        "Default Address Address2": "address_line2",
        "Default Address City": "address_line4",
        "Default Address Province Code": "address_state",
        "Default Address Country Code": "address_country",
        "Default Address Zip": "address_postcode",
        "Default Address Phone": "",
        "Phone": "phone_number",
        "Accepts SMS Marketing": "",
        "Total Spent": "",
        "Note": "",
        "Tags": "tags",
    },
    "WooCommerce, customers": {
        "user_login": "",
        "user_email": "email",
        "user_registered": "date_joined",
        "display_name": "",
        "first_name": "first_name",
        "last_name": "last_name",
        "billing_first_name": "",
        "billing_address_1": "address_line1",
        "billing_city": "address_line4",
        "billing_postcode": "address_postcode",
        "billing_country": "address_country",
        "billing_email": "",
        "billing_phone": "phone_number",
        "shipping_address_1": "",
        "shipping_city": "",
        "shipping_country": "",
    },
    "WooCommerce, report": {
        "Name": "first_name",
        "Username": "",
        "Last Active": "",
        "Sign Up": "date_joined",
        "Email": "email",
        "Orders": "",
        "Total Spend": "",
        "Country / Region": "",  # an address without a street
        "City": "",
        "Postal Code": "",
    },
    "Mailchimp": {
        "Email Address": "email",
        "First Name": "first_name",
        "Last Name": "last_name",
        "Address": "",  # the whole one
        "Phone Number": "phone_number",
        "MEMBER_RATING": "",
        "OPTIN_TIME": "date_joined",
        "OPTIN_IP": "ip",
        "REGION": "",
        "TAGS": "tags",
    },
    "Klaviyo": {
        "Email": "email",
        "Klaviyo ID": "",
        "First Name": "first_name",
        "Last Name": "last_name",
        "Phone Number": "phone_number",
        "Address": "address_line1",
        "Address 2": "address_line2",
        "City": "address_line4",
        "State / Region": "address_state",
        "Country": "address_country",
        "Zip Code": "address_postcode",
        "Email Marketing Consent": "accepts_marketing",
        "Profile Created On": "date_joined",
        "IP Address": "ip",
    },
    "Stripe": {
        "id": "",
        "Description": "",
        "Email": "email",
        "Name": "first_name",
        "Created (UTC)": "date_joined",
        "Card ID": "",
        "Card Name": "",
        "Card Address Line1": "",
        "Card Address City": "",
        "Card Address Country": "",
        "Shipping Name": "",
        "Shipping Address Line1": "address_line1",
        "Shipping Address City": "address_line4",
        "Shipping Address State": "address_state",
        "Shipping Address Country": "address_country",
        "Shipping Address Postal Code": "address_postcode",
    },
}
# What a cell and the options say, and the moment; None if the row is refused. The store is in London, as in the tests.
DATES = [
    ("2019-05-03 10:11:12 UTC", [], datetime(2019, 5, 3, 10, 11, 12, tzinfo=UTC)),
    ("2019-05-03T10:11Z", [], datetime(2019, 5, 3, 10, 11, tzinfo=UTC)),
    ("2019-05-03 10:11:12 gmt", [], datetime(2019, 5, 3, 10, 11, 12, tzinfo=UTC)),
    ("05/01/2020 12:00:00 UTC", ["--dates", "day-first"], datetime(2020, 1, 5, 12, tzinfo=UTC)),
    ("05/01/2020 9:30 UTC", ["--dates", "month-first"], datetime(2020, 5, 1, 9, 30, tzinfo=UTC)),
    ("31.12.2019, 23:00 UTC", ["--dates", "day-first"], datetime(2019, 12, 31, 23, tzinfo=UTC)),
    ("2019-12-31T23:00Z", ["--dates", "day-first"], datetime(2019, 12, 31, 23, tzinfo=UTC)),
    ("05/01/2020", [], None),
    ("31.12.2019", [], None),
    ("31.12.2019", ["--dates", "month-first"], None),
    ("05/01/20", ["--dates", "day-first"], None),
    ("2999-01-01", [], None),
    ("31.12.2999", ["--dates", "day-first"], None),
]
LANGUAGES = {"nb": "no", "nn": "no", "nb-NO": "no", "nn_NO": "no", "no": "no", "de-AT": "de", "TH": "th"}


@pytest.mark.once
class TestHeaders:
    @each("headers", KNOWN_FILES)
    def test_headers_of_a_known_file_are_recognised(self, headers):
        found = FileFormat([*headers], 0, ",").map_columns({})

        assert {header: found.get(header, "") for header in headers} == headers


class TestCountry:
    @pytest.mark.once
    @each("code, names", [*COUNTRIES.items()])
    def test_country_is_found_by_code_or_name(self, code, names):
        assert {name: country_code(name) for name in names} == dict.fromkeys(names, code)

    def test_name_of_a_country_is_imported(self, import_file, csv_file):
        header = ["Email", "Street", "City", "Country"]
        names = ["United States", "Frankreich", "Kosovo", "turkey"]

        import_file(csv_file([[f"p{name}@example.com".replace(" ", ""), "1", "x", name] for name in names], header))

        assert [user.addresses.get().country for user in User.objects.order_by("pk")] == ["US", "FR", "XK", "TR"]

    def test_api_accepts_kosovo(self, api):
        address = {"line1": "1", "line4": "Prishtina", "country": "xk", "phone_number": "038 212 345"}

        response = api(*Scope).post(USERS, {"email": "kay@example.com", "addresses": [address]})

        assert response.status_code == 201, response.json()
        assert response.json()["addresses"][0]["country"] == "XK"


class TestLanguage:
    def test_region_is_dropped_and_both_kinds_of_norwegian_are_one(self, import_file, csv_file):
        code, _ = import_file(csv_file([[f"{name}@example.com", name] for name in LANGUAGES], ["Email", "Language"]))

        assert code == 0
        assert list(User.objects.order_by("pk").values_list("language", flat=True)) == [*LANGUAGES.values()]

    def test_language_that_the_store_lacks_is_a_warning(self, import_file, csv_file, tmp_path):
        rows = [["kay@example.com", "tlh"], ["lou@example.com", "zh-CN"], ["max@example.com", "en"], ["nobody", "pl"]]
        path = csv_file(rows, ["Email", "Sprache"])

        code, output = import_file(path, "--map", "Sprache=language", report=str(tmp_path / "report.csv"))

        assert code == 1
        assert "Line 2: warning: Sprache: The store does not have this language" in output
        assert "Line 3: warning: " in output
        assert "Line 5" not in output
        assert (tmp_path / "report.csv").read_text().count("\n") == 2
        assert list(User.objects.order_by("pk").values_list("language", flat=True)) == [None, None, "en"]


class TestDate:
    @each("text, options, moment", DATES)
    def test_date_joined_is_read(self, import_file, csv_file, text, options, moment):
        code, output = import_file(csv_file([["kay@example.com", text]], ["Email", "Created At"]), *options)

        if moment is None:
            assert (code, User.objects.exists()) == (1, False)
            assert "Line 2: Created At: " in output
            assert f"Given: “{text}”" in output
        else:
            assert User.objects.get().date_joined == moment, output

    def test_moments_around_now(self, import_file, csv_file):
        now = timezone.now()
        rows = [["kay@example.com", now.isoformat()], ["lou@example.com", (now + timedelta(hours=1)).isoformat()]]

        _, output = import_file(csv_file(rows, ["Email", "Created At"]))

        assert User.objects.get().email == "kay@example.com"
        assert "Line 3: Created At: This date is in the future." in output


class TestTags:
    @each(
        "cell, tags",
        [
            ("a, b,,c", ["a", "b", "c"]),
            ('"VIP","New, old"', ["VIP", "New, old"]),
            ("* myContacts ::: Friends", ["myContacts", "Friends"]),
            ('["a", "b, c"]', ["a", "b, c"]),
            ('12" vinyl, x', ['12" vinyl', "x"]),
        ],
    )
    def test_tags_of_a_cell(self, import_file, csv_file, cell, tags):
        import_file(csv_file([["kay@example.com", cell]], ["Email", "Tags"]))

        assert User.objects.get().tags == tags


@each(
    "cell, accepts",
    [
        ("SUBSCRIBED", True),
        ("NEVER_SUBSCRIBED", False),
        ("unsubscribed", False),
        ("Yes", True),
        ("Ja", True),
        ("nej", False),
    ],
)
def test_consent_of_a_cell(import_file, csv_file, cell, accepts):
    import_file(csv_file([["kay@example.com", cell]], ["Email", "Email Marketing Consent"]))

    assert User.objects.get().accepts_marketing is accepts

"""Fields of one line take no line breaks, on every surface; and a form leaves alone what nobody touched."""

import pytest

from customers.groups.models import CustomerGroup
from customers.models import Address, User
from tests.support.cases import each
from tests.support.clients import USERS, address_url, user_url
from tests.support.dashboard import CUSTOMERS, DASHBOARD, edit_url
from tests.support.factories import make_user, make_users
from tests.support.pages import fields_of, new_address

# The name of a field of an address, what is given, and what is kept.
LINES = [
    ("line1", "1 High St\nFlat 2", "1 High St, Flat 2"),
    ("line2", "Building B\r\nFloor 3", "Building B, Floor 3"),
    ("line3", "c/o King,\u2028Reception", "c/o King, Reception"),
    ("line4", "London \n\n SW1", "London, SW1"),
    ("state", "New\nYork", "New York"),
    ("postcode", "SW1Y\r4LE", "SW1Y 4LE"),
    ("first_name", "Ada\nAugusta", "Ada Augusta"),
    ("last_name", "King\x85Noel", "King Noel"),
]
# As LINES, of a customer.
NAMES = [
    ("first_name", "Ada\nAugusta", "Ada Augusta"),
    ("last_name", "King\r\nNoel", "King Noel"),
    ("tags", ["new\ncustomer", "vip"], ["new customer", "vip"]),
]


@pytest.fixture
def ways_in(api, dashboard_client, import_file, csv_file):
    """By the name of a surface: `enter(name, value)` gives a new customer an address with this value."""
    client = api("users:read", "users:write")
    place = {"line1": "1 High St", "line4": "London", "country": "GB"}

    def admin_api(name, value):
        body = {"email": "in@example.com", "addresses": [{**place, name: value}]}
        assert client.post(USERS, body).status_code == 201

    def admin_api_change(name, value):
        user = make_user(email="in@example.com", addresses=[place])
        assert client.put(address_url(user.addresses.get()), {**place, name: value}).status_code == 200

    def dashboard(name, value):
        fields = {**fields_of(dashboard_client.get(f"{CUSTOMERS}add/")), "email": "in@example.com"}
        answer = dashboard_client.post(f"{CUSTOMERS}add/", {**fields, **new_address(**{**place, name: value})})
        assert answer.status_code == 302

    def file(name, value):
        given = {**place, name: value}
        header = ["email", *(f"address_{column}" for column in given)]
        assert import_file(csv_file([["in@example.com", *given.values()]], header=header))[0] == 0

    return {"Admin API": admin_api, "Admin API, change": admin_api_change, "dashboard": dashboard, "import": file}


class TestEveryWayIn:
    @each("name,given,kept", LINES)
    def test_line_of_an_address_takes_no_line_break(self, ways_in, name, given, kept):
        for surface, enter in ways_in.items():
            enter(name, given)

            assert getattr(Address.objects.get(user__email="in@example.com"), name) == kept, surface
            User.objects.filter(email="in@example.com").delete()

    @each("name,given,kept", NAMES)
    def test_name_of_a_customer_takes_no_line_break(self, api, name, given, kept):
        user = make_user()

        api("users:write").patch(user_url(user), {name: given})

        user.refresh_from_db()
        assert getattr(user, name) == kept

    @each("given,kept", [("Best\ncustomers", "Best customers"), ("A\r\nB", "A B"), ("C\u2029D", "C D")])
    def test_name_of_a_group_takes_no_line_break(self, api, dashboard_client, given, kept):
        api("users:read", "users:write").post("/admin/customer-groups", {"name": given})
        assert CustomerGroup.objects.get().name == kept
        CustomerGroup.objects.all().delete()

        dashboard_client.post(f"{DASHBOARD}groups/customergroup/add/", {"name": given})
        assert CustomerGroup.objects.get().name == kept

    def test_line_that_grows_too_long_is_refused(self, api):
        place = {"line1": "x" * 100 + "\n" + "y" * 154, "line4": "London", "country": "GB"}

        answer = api("users:write").post(USERS, {"email": "in@example.com", "addresses": [place]})

        assert answer.status_code == 400
        assert "line1" in answer.content.decode()

    def test_notes_of_an_address_keep_their_lines(self, ways_in):
        ways_in["Admin API"]("notes", "Ring twice.\nThen wait.")

        assert Address.objects.get().notes == "Ring twice.\nThen wait."


def as_a_browser(fields: dict[str, str]) -> dict[str, str]:
    """What a browser sends for these inputs: it leaves line breaks out of those of one line, and not of hidden ones."""
    return {
        name: value.replace("\r", "").replace("\n", "") if is_one_line(name) else "\r\n".join(value.splitlines())
        for name, value in fields.items()
    }


def is_one_line(name: str) -> bool:
    return not name.startswith("initial-") and not name.endswith(("notes", "metadata"))


# What older data may hold.
OLD_PERSON = {
    "email": "i1@straße.example", "first_name": "Ada\nAugusta", "last_name": "King\r\nNoel", "tags": ["a\nb", "c, d"],
    "phone_number": "020 7946\n0018", "metadata": {"b": "1\n2", "a": 1.0},
}  # fmt: skip
OLD_ADDRESS = {
    "first_name": "Ada\nAugusta", "line1": "1 High St\nFlat 2", "line2": "B\r\nC", "line4": "London\nSW1",
    "state": "New\nYork", "postcode": "SW1Y\n4LE", "country": "ZZ", "phone_number": "1\n2", "notes": "Ring.\nWait.",
}  # fmt: skip


class TestUntouched:
    @each(
        "form,touched",
        [
            ("edit/", {"first_name": "Grace"}),
            ("edit/marketing/", {"accepts_marketing": "on"}),
            ("edit/", {"accepts_marketing": "on"}),
            ("addresses/{}/", {"line3": "Reception"}),
        ],
    )
    def test_save_leaves_untouched_fields_of_a_customer_as_they_are(self, dashboard_client, form, touched):
        [user] = make_users(1, **OLD_PERSON)
        url = f"{CUSTOMERS}{user.pk}/{form.format(Address.objects.create(user=user, **OLD_ADDRESS).pk)}"

        page = dashboard_client.get(url)
        answer = dashboard_client.post(url, {**as_a_browser(fields_of(page)), **touched})

        assert answer.status_code == 302
        now = {**User.objects.filter(pk=user.pk).values(*OLD_PERSON).get()}
        address = Address.objects.filter(user=user).values(*OLD_ADDRESS, "line3").get()
        assert now | {"first_name": ""} == OLD_PERSON | {"first_name": ""}
        assert {name: address[name] for name in OLD_ADDRESS} == OLD_ADDRESS
        (changed,) = touched
        evidence = {"consent_ip", "consent_text"}  # recorded with each change of the consent
        assert user.events.get().changes.keys() - evidence == {changed}

    def test_old_line_break_is_shown_as_a_separator(self, dashboard_client):
        [user] = make_users(1, **OLD_PERSON)
        address = Address.objects.create(user=user, **OLD_ADDRESS)

        fields = fields_of(dashboard_client.get(edit_url(user)))

        line = fields_of(dashboard_client.get(f"{CUSTOMERS}{user.pk}/addresses/{address.pk}/"))["line1"]
        assert line == "1 High St, Flat 2"
        assert (fields["first_name"], fields["tags"]) == ("Ada Augusta", 'a b, "c, d"')

    def test_save_leaves_the_name_of_a_group_as_it_is(self, dashboard_client):
        group = CustomerGroup.objects.create(name="Best\ncustomers")
        url = f"{DASHBOARD}groups/customergroup/{group.pk}/change/"

        dashboard_client.post(url, as_a_browser(fields_of(dashboard_client.get(url), "customergroup_form")))

        group.refresh_from_db()
        assert group.name == "Best\ncustomers"

    def test_save_leaves_the_name_of_a_member_of_staff_as_it_is(self, dashboard_client, as_role):
        as_role("Viewer")
        member = User.objects.get(email="a-viewer@store.example")
        member.first_name = "Ada\nAugusta"
        member.save()
        url = f"{DASHBOARD}customers/staffmember/{member.pk}/change/"
        fields = as_a_browser(fields_of(dashboard_client.get(url), "staffmember_form"))

        assert dashboard_client.post(url, {**fields, "role": "Staff"}).status_code == 302

        member.refresh_from_db()
        assert member.first_name == "Ada\nAugusta"
        assert member.groups.get().name == "Staff"

    @each("path", [f"{CUSTOMERS}add/", f"{DASHBOARD}customers/staffmember/add/", f"{DASHBOARD}password_reset/"])
    def test_no_input_lets_the_browser_rewrite_a_domain(self, dashboard_client, path):
        page = dashboard_client.get(path).content.decode()

        assert 'type="email"' not in page
        assert 'inputmode="email"' in page

"""Form-encoded and multipart bodies say what a JSON body says."""

import pytest

from tests.support.clients import USERS, address_url, addresses_url, notes_url, user_url

both_forms = pytest.mark.parametrize("post", ["post_form", "post_multipart"])

PERSON = {
    "email": "ada@example.com",
    "first_name": "Ada",
    "phone_number": "020 7946 0958",
    "language": "fr",
    "accepts_marketing": "true",
    "is_blocked": "false",
    "ip": "203.0.113.7",
}
NOTATIONS = {
    "brackets": "addresses[{}][{}]",
    "bracket and name": "addresses[{}]{}",
    "bracket and dot": "addresses[{}].{}",
    "dots": "addresses.{}.{}",
}
LINES = [
    {"line1": "1 High Street", "line4": "London", "country": "GB", "is_default_for_billing": "true"},
    {"line1": "2 Rue Basse", "line4": "Genève", "country": "CH", "notes": "a=b&c [0] é"},
]


def book(notation, positions=(0, 1)) -> dict[str, str]:
    return {
        notation.format(position, name): value
        for position, lines in zip(positions, LINES, strict=True)
        for name, value in lines.items()
    }


@both_forms
class TestForms:
    def test_form_creates_a_customer(self, admin_client, post):
        response = getattr(admin_client, post)(USERS, {**PERSON, **book(NOTATIONS["brackets"])})

        assert response.status_code == 201
        answer = response.json()
        assert answer["email"] == "ada@example.com"
        assert answer["phone_number"] == "+442079460958"
        assert (answer["accepts_marketing"], answer["is_blocked"]) == (True, False)

    @pytest.mark.parametrize("notation", NOTATIONS.values(), ids=NOTATIONS)
    def test_form_accepts_nested_addresses_in_several_notations(self, admin_client, post, notation):
        for positions in ((0, 1), (3, 70), (9, 10)):
            form = {"email": f"ada-{positions[0]}@example.com", **book(notation, positions)}

            answer = getattr(admin_client, post)(USERS, form).json()

            assert [each["line1"] for each in answer["addresses"]] == ["1 High Street", "2 Rue Basse"], positions
            assert [each["is_default_for_billing"] for each in answer["addresses"]] == [True, False]
            assert answer["addresses"][1]["notes"] == "a=b&c [0] é"

    @pytest.mark.parametrize(
        ("form", "tags"),
        [
            ({"tags": ["vip", "b2b"]}, ["vip", "b2b"]),
            ({"tags": "vip"}, ["vip"]),
            ({"tags[]": ["vip", "b2b"]}, ["vip", "b2b"]),
            ({"tags[]": "vip"}, ["vip"]),
            ({"tags[0]": "vip", "tags[1]": "b2b"}, ["vip", "b2b"]),
            ({"tags[10]": "b2b", "tags[9]": "vip"}, ["vip", "b2b"]),
            ({"tags.0": "vip", "tags.1": "b2b"}, ["vip", "b2b"]),
            ({"tags": ""}, []),
            ({}, []),
        ],
    )
    def test_form_accepts_tags_in_several_notations(self, admin_client, post, form, tags):
        response = getattr(admin_client, post)(USERS, {"email": "ada@example.com", **form})

        assert response.status_code == 201
        assert response.json()["tags"] == tags

    @pytest.mark.parametrize(
        ("form", "metadata"),
        [
            ({"metadata": '{"size": 37, "a": [true, null]}'}, {"size": 37, "a": [True, None]}),
            ({"metadata": ""}, None),
            ({"metadata": "null"}, None),
            ({"metadata[size]": "37", "metadata[deep][er]": "x"}, {"size": "37", "deep": {"er": "x"}}),
            ({"metadata.size": "37"}, {"size": "37"}),
        ],
    )
    def test_form_accepts_metadata_as_json_or_nested_names(self, admin_client, post, form, metadata):
        response = getattr(admin_client, post)(USERS, {"email": "ada@example.com", **form})

        assert response.status_code == 201
        assert response.json()["metadata"] == metadata

    def test_form_rejects_metadata_that_is_not_an_object(self, admin_client, post):
        for metadata in ["text", "[1]", "5", "{", "NaN", '{"a": NaN}', '{"a": 1e999}', '{"a": "\\u0000"}', "[" * 2_000]:
            response = getattr(admin_client, post)(USERS, {"email": "ada@example.com", "metadata": metadata})

            assert response.status_code == 400, metadata
            assert list(response.json()) == ["metadata"], metadata

    def test_form_rejects_contradicting_and_too_deep_names(self, admin_client, post):
        for form in [
            {"addresses": "x", "addresses[0][line1]": "x"},
            {"addresses[0]": "x", "addresses[0][line1]": "x"},
            {"addresses[0][line1]": "x", "addresses[0]": "x"},
            {"tags[0]": "a", "tags[]": "b"},
            {"a[b][c][d][e][f][g][h][i]": "x"},
        ]:
            response = getattr(admin_client, post)(USERS, {"email": "ada@example.com", **form})

            assert response.status_code == 400, form
            assert list(response.json()) == ["detail"], form

    def test_form_rejects_list_or_object_for_a_plain_field(self, admin_client, post):
        for form in [
            {"addresses[x][line1]": "x"},
            {"addresses": "x"},
            {"addresses[0]": "x"},
            {"email": ["a@b.example", "c@d.example"]},
        ]:
            response = getattr(admin_client, post)(USERS, {"email": "ada@example.com", **form})

            assert response.status_code == 400, form
            assert list(response.json()) in (["addresses"], ["email"]), form

    def test_form_stores_empty_values(self, admin_client, post):
        form = {
            "email": "ada@example.com",
            "phone_number": "",
            "language": "",
            "ip": "",
            "user_agent": "",
            "first_name": "",
        }

        answer = getattr(admin_client, post)(USERS, form).json()

        assert (answer["phone_number"], answer["language"], answer["ip"], answer["first_name"]) == ("", "", None, "")

    def test_form_ignores_unknown_names(self, admin_client, post):
        form = {"email": "ada@example.com", "csrfmiddlewaretoken": "x", "colour[0]": "blue", "[]": "x", ".": "x"}

        assert getattr(admin_client, post)(USERS, form).status_code == 201

    def test_form_creates_addresses_and_notes(self, admin_client, post, ada):
        address = getattr(admin_client, post)(addresses_url(ada), LINES[1])
        note = getattr(admin_client, post)(notes_url(ada), {"message": "Called.\nAgain."})

        assert (address.status_code, address.json()["line4"]) == (201, "Genève")
        assert (note.status_code, note.json()["message"]) == (200, "Called.\nAgain.")


class TestFormsOfOtherMethods:
    def test_form_updates_a_customer_and_an_address(self, admin_client, ada, ada_address):
        form = "application/x-www-form-urlencoded"

        put = admin_client.put(user_url(ada), "first_name=Augusta&tags=a&tags=b", form)
        patch = admin_client.patch(user_url(ada), "last_name=King&metadata[a]=1", form)
        address = admin_client.put(address_url(ada_address), "line1=1+Rue&line4=Paris&country=fr", form)

        assert (put.json()["first_name"], put.json()["tags"]) == ("Augusta", ["a", "b"])
        assert (patch.json()["last_name"], patch.json()["metadata"]) == ("King", {"a": "1"})
        assert (address.json()["line1"], address.json()["country"]) == ("1 Rue", "FR")

    def test_form_is_decoded_in_its_charset(self, admin_client):
        response = admin_client.generic(
            "POST",
            USERS,
            "email=a@example.com&first_name=%C9lodie",
            "application/x-www-form-urlencoded; charset=latin-1",
        )

        assert response.json()["first_name"] == "Élodie"

    def test_broken_form_is_400(self, admin_client):
        for body, content_type in (
            (b"--x", "multipart/form-data"),
            (b"--x", "multipart/form-data; boundary="),
            (b"not a part", "multipart/form-data; boundary=x"),
            (b"a=1&" * 2_000, "application/x-www-form-urlencoded"),
        ):
            response = admin_client.generic("POST", USERS, body, content_type)

            assert response.status_code == 400, content_type
            assert response.headers["Content-Type"] == "application/json"

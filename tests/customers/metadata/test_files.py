"""Defined keys of metadata in files that come in and go out."""

import csv
import json

import pytest

from customers.jobs.exports import services as exports
from customers.models import User
from oauth.actor import Actor
from tests.support.factories import make_user
from tests.support.metadata_cases import REFUSED


def metadata() -> dict:
    return User.objects.get(email="ada@example.com").metadata


class TestACellOfCsv:
    @pytest.mark.parametrize(
        ("type", "cell", "value"),
        [
            ("text", "7", "7"),
            ("integer", "7", 7),
            ("integer", " -7 ", -7),
            ("integer", "7.00", 7),
            ("decimal", "7", 7),
            ("decimal", "19.99", 19.99),
            ("decimal", "1e-3", 0.001),
            ("rich_text", "<b>7</b>", "<b>7</b>"),
            ("multi_text", "a, b", ["a", "b"]),
            ("multi_text", '["a, b", "c"]', ["a, b", "c"]),
            ("file", "https://files.example/a.png", "https://files.example/a.png"),
            ("boolean", "yes", True),
            ("boolean", "FALSE", False),
            ("boolean", "0", False),
        ],
    )
    def test_csv_cell_becomes_a_value_of_its_type(self, import_file, csv_file, define, type, cell, value):
        define("it", type)

        code, said = import_file(
            csv_file([["ada@example.com", cell, "7"]], header=["email", "metadata.it", "metadata.free"])
        )

        assert code == 0, said
        found = metadata()
        assert found == {"it": value, "free": "7"}
        assert json.dumps(found["it"]) == json.dumps(value)

    @pytest.mark.parametrize(
        ("type", "validations", "cell", "message"),
        [
            ("text", {"maximum_length": "3"}, "gold", "Enter at most 3 characters."),
            ("integer", {}, "many", "Enter a whole number."),
            ("integer", {}, "7.5", "Enter a whole number."),
            ("integer", {"maximum_value": "5"}, "7", "Enter at most 5."),
            ("decimal", {"maximum_precision": "2"}, "1.999", "Enter at most 2 decimal places."),
            ("decimal", {}, "NaN", "Enter a number."),
            ("boolean", {}, "perhaps", "Enter yes or no."),
            ("multi_text", {"maximum_length": "1"}, "a, bc", "Enter at most 1 characters."),
            ("file", {"accept_only_image": "true"}, "https://files.example/a.pdf", "Enter the URL of an image."),
        ],
    )
    def test_invalid_csv_cell_rejects_its_row(
        self, import_file, csv_file, define, tmp_path, type, validations, cell, message
    ):
        define("it", type, **validations)
        report = tmp_path / "refused.csv"
        path = csv_file([["ada@example.com", cell], ["bob@example.com", ""]], header=["email", "metadata.it"])

        import_file(path, report=str(report))

        assert list(User.objects.values_list("email", flat=True)) == ["bob@example.com"]
        assert message in report.read_text()
        assert "metadata.it" in report.read_text()

    def test_definition_binds_updates_by_import(self, import_file, csv_file, define):
        define("it", "integer", maximum_value="5")
        user = make_user(email="ada@example.com", metadata={"it": 1})

        import_file(csv_file([["ada@example.com", "7"]], header=["email", "metadata.it"]), "--update")

        user.refresh_from_db()
        assert user.metadata == {"it": 1}


@pytest.mark.parametrize(("type", "validations", "value", "message"), REFUSED)
def test_json_lines_value_needs_the_type_of_the_definition(
    import_file, jsonl_file, define, tmp_path, type, validations, value, message
):
    define("it", type, **validations)
    report = tmp_path / "refused.csv"

    import_file(jsonl_file([{"email": "ada@example.com", "metadata": {"it": value}}]), report=str(report))

    assert not User.objects.exists()
    assert message in report.read_text()


class TestAnExport:
    VALUES = {"Tier": "=gold", "points": -7, "vip": True, "rate": 1.5, "words": ["a, b", "c"], "free": "x"}

    @pytest.fixture(autouse=True)
    def definitions(self, define):
        for key, type in [("Tier", "text"), ("points", "integer"), ("vip", "boolean"), ("rate", "decimal")]:
            define(key, type, enable_export=True)
        define("words", "multi_text", enable_export=True)
        define("hidden", "text")
        define("of_orders", "text", object="order", enable_export=True)

    def test_export_has_a_column_for_each_exported_key(self, export_file):
        make_user(email="ada@example.com", metadata=self.VALUES)
        make_user(email="bob@example.com")

        with open(export_file("customers.csv"), newline="") as file:
            ada, bob = csv.DictReader(file)

        assert {name: ada[name] for name in ada if name.startswith("metadata.")} == {
            "metadata.Tier": "'=gold",
            "metadata.points": "-7",
            "metadata.rate": "1.5",
            "metadata.vip": "yes",
            "metadata.words": '["a, b","c"]',
        }
        assert {bob[name] for name in bob if name.startswith("metadata.")} == {""}

    def test_export_can_be_imported_again(self, export_file, import_file):
        make_user(email="ada@example.com", metadata=self.VALUES)
        path = export_file("customers.csv")
        User.objects.all().delete()

        code, said = import_file(path)

        assert code == 0, said
        assert metadata() == self.VALUES

    def test_export_keeps_its_columns_when_definitions_change(self, owner, define):
        make_user(email="ada@example.com", metadata={"late": "x"})
        job = exports.create({}, by=Actor(user_id=owner.pk))
        define("late", "text", enable_export=True)

        assert job.options_json["metadata_keys"] == ["Tier", "points", "rate", "vip", "words"]

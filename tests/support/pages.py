"""A page as a browser has it: the fields that its form would send."""

import re
from html import unescape
from html.parser import HTMLParser

VOID_TYPES = ("submit", "button")


class FormFields(HTMLParser):
    """Of the form with this id, names and values, but for boxes that are not ticked and the row that new ones copy."""

    def __init__(self, form_id: str):
        super().__init__()
        self.form_id, self.fields, self.within = form_id, {}, False
        self.choice = self.text = None
        self.is_multiple = False

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        name, value = attributes.get("name", ""), attributes.get("value") or ""
        if tag == "form":
            self.within = attributes.get("id") == self.form_id
        if not self.within or "__prefix__" in name:
            return
        if tag == "input" and attributes.get("type") not in VOID_TYPES:
            if attributes.get("type") != "checkbox":
                self.fields[name] = value
            elif "checked" in attributes:
                self.fields[name] = "on"
        elif tag == "select":
            self.choice, self.is_multiple = name, "multiple" in attributes
            if not self.is_multiple:
                self.fields[name] = ""
        elif tag == "option" and self.choice and "selected" in attributes:
            if self.is_multiple:
                self.fields.setdefault(self.choice, []).append(value)
            else:
                self.fields[self.choice] = value
        elif tag == "textarea":
            self.text = name
            self.fields[name] = ""

    def handle_endtag(self, tag):
        if tag == "select":
            self.choice = None
        elif tag == "textarea":
            self.text = None

    def handle_data(self, data):
        if self.text:
            # A browser drops the newline that follows the tag.
            self.fields[self.text] = (self.fields[self.text] + data).removeprefix("\n")


def fields_of(response, form_id: str = "customer_form") -> dict[str, str]:
    parser = FormFields(form_id)
    parser.feed(response.content.decode())
    return parser.fields


def new_address(position: int = 0, **fields) -> dict[str, str]:
    """A row of the form, added by the script of the page."""
    row = {"line1": "12 St James's Square", "line4": "London", "country": "GB", **fields}
    return {
        "addresses-TOTAL_FORMS": str(position + 1),
        **{f"addresses-{position}-{name}": value for name, value in row.items()},
    }


def opened_next(page) -> str:
    """The URL that the page opens by itself."""
    return unescape(re.search(r'<meta http-equiv="refresh" content="0; url=([^"]+)">', page.content.decode())[1])

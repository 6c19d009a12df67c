"""The words of the dashboard: plain ones, and one for each thing."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3]
# What the pages once said, as regular expressions, and what they say instead.
AVOIDED = {
    r"[Pp]arts of names": "Search by name, email or phone",
    r"the list leads to": "Showing the first 2,000; search or filter to see the rest.",
    r"[Aa] whole tag": "Exact tag",
    r"^Recorded$|\bIp\b|^Ip:": "Activity, IP address",
    r"^Taken for$|\(leave out\)|^Only check$": "Import as, Don't import, Check first",
    r"instead of refusing their line": "Update customers that already exist",
    r"[Nn]othing is brought in|is taken for": "Nothing is imported yet. Next, match the columns.",
    r"an object a line": "JSON Lines",
    r"Delete this record": "Delete this import",
    r"no longer than until": "Available for 1 day.",
    r"do not happen here": "tick boxes of what there is",
    r"one is made, or the former": "Leave empty to generate one.",
    r"events do not wait for it": "When off, nothing is sent or queued.",
    r"the first of its events": "Sends one example event to this address.",
    r"Load this page again": "the answer appears in place",
    r"0: none\.": "0: no limit.",
    r"The last day the token works": "Last valid day.",
    r"is refused at once": "Turn off to reject all its tokens immediately.",
    r"which every app can read": "what a block changes",
    r"[Ii]t asks for nothing new": "No new permissions.",
    r"[Ee]rase for ever|nor “erase”": "Erase permanently",
    r"their first order|ordered before|Leads turned": "First-time buyers, Returning buyers",
    r"Token made|Token used first|code used again": "Token created, First use of token, reused",
    r"Signed in: nowhere|Begin again|Viewers look": "Not signed in, Back to sign-in, Viewers can only look",
    r"Many at once|[Mm]etadata definition|\bAPI access\b": "Imports and exports, Custom fields, API tokens",
    r"By is active|By is test": "Status, Test order",
    r"case-sensitive|[Ll]ogin credentials|\b[Ll]og (in|out)\b": "Sign in, Sign out",
    r"quality time": "You are signed out.",
    r"[Aa] user with this": "customer, not user",
}
FOLDERS = ("customers/dashboard", "oauth/templates", "oauth/accounts")
MODELS = ("oauth/audit/models.py", "customers/webhooks/models.py", "customers/metadata/models.py")


def texts_of_template(path: Path) -> Iterator[str]:
    """What the page says, without tags of HTML and of the template."""
    without_comments = re.sub(r"{% comment.*?endcomment %}", "", path.read_text(), flags=re.DOTALL)
    yield from (text.strip() for text in re.split(r"{[{%].*?[}%]}|<[^>]*>", without_comments))
    yield from re.findall(r'(?:title|placeholder|aria-label|alt)="([^"]*)"', without_comments)


def texts_of_module(path: Path) -> Iterator[str]:
    """Its string literals, without docstrings."""
    tree = ast.parse(path.read_text())
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {ast.get_docstring(node, clean=False) for node in ast.walk(tree) if isinstance(node, documented)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value not in docstrings:
            yield node.value


def texts() -> Iterator[tuple[Path, str]]:
    for folder in FOLDERS:
        for path in sorted((PROJECT / folder).rglob("*")):
            if "migrations" in path.parts:
                continue
            if path.suffix in (".html", ".txt"):
                yield from ((path, text) for text in texts_of_template(path))
            elif path.suffix == ".py":
                yield from ((path, text) for text in texts_of_module(path))
    for name in MODELS:
        yield from ((PROJECT / name, text) for text in texts_of_module(PROJECT / name))


def test_dashboard_avoids_words_that_people_did_not_understand():
    found = [
        f"{path.relative_to(PROJECT)}: {text[:80]!r}. Better: {better}"
        for path, text in texts()
        for pattern, better in AVOIDED.items()
        if re.search(pattern, text)
    ]

    assert found == []


def test_the_texts_of_pages_and_modules_are_found():
    everything = {text for _, text in texts()}

    assert {"Where you are signed in", "Search by email or name", "Search customers, orders, pages …"} <= everything

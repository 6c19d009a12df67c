"""Opens every page of the dashboard that links lead to."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

from django.test import Client

from tests.support.dashboard import DASHBOARD


@dataclass
class Crawl:
    """The URLs of pages that were opened, of those that were refused, and of the forms that the pages show; and the
    names of the scripts that pages load, each with the models that the URLs of these pages name."""

    pages: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    forms: set[str] = field(default_factory=set)
    scripts: dict[str, set[str]] = field(default_factory=dict)


def crawl(browser: Client, start: Iterable[str]) -> Crawl:
    found, waiting = Crawl(), set(start)
    while waiting:
        url = waiting.pop()
        found.pages.add(url)
        response = browser.get(url, follow=True)
        if response.status_code in (403, 500):
            found.refused.add(url)
        page = response.content.decode()
        waiting |= links(page, url) - found.pages
        for script in re.findall(r'<script[^>]* src="[^"]*?([^"/]+)/?"', page):
            found.scripts.setdefault(script, set()).add(model_of(url))
        content = page.partition('id="content-start"')[2]
        found.forms |= {urljoin(url, action) for action in form_actions(content)}
    return found


def refused_forms(browser: Client, urls: Iterable[str]) -> list[str]:
    """Sends each form empty. The person is still signed in afterwards: otherwise no form would be refused."""
    refused = [url for url in sorted(urls) if browser.post(url).status_code in (403, 500)]
    assert browser.get(DASHBOARD).status_code == 200
    return refused


def model_of(url: str) -> str:
    """ "" for the pages of no model."""
    parts = url.removeprefix(DASHBOARD).split("/")
    return parts[1] if len(parts) > 2 else ""


def links(page: str, url: str) -> set[str]:
    """Paths below the dashboard that a page leads to."""
    found = {urlsplit(urljoin(url, target)).path for target in re.findall(r'href="([^"]*)"', page)}
    return {path for path in found if path.startswith(DASHBOARD) and "logout" not in path}


def form_actions(content: str) -> set[str]:
    """Of the forms that can be sent: those with a button."""
    forms = re.findall(r"<form\b([^>]*)>(.*?)</form>", content, re.DOTALL)
    sendable = [
        attributes
        for attributes, body in forms
        if 'method="post"' in attributes and re.search(r'type="submit"|<button', body)
    ]
    return {(re.findall(r'action="([^"]*)"', attributes) or [""])[0] for attributes in sendable}

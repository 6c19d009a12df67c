"""Every page, as everybody can use it: no wider than a phone, without help from elsewhere, and for those who see
little, nothing, or with other colours.

axe-core comes with a package for another driver of browsers, of which only the script is used.
"""

from importlib.resources import files

import pytest

from tests.live.dashboard.conftest import WIDTHS
from tests.live.dashboard.pages import Pages
from tests.live.dashboard.people import Member, add_customer, path_of
from tests.live.owner import errors, hosts_asked

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text()
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
RUN = """
    const done = arguments[arguments.length - 1];
    axe.run(document, {runOnly: arguments[0], resultTypes: ["violations"]}).then((found) => done(found.violations));
"""
LIST = "customers/customer/"
OF_A_CUSTOMER = (
    "change/", "block/", "unblock/", "send_password_reset/", "notes/add/", "erase/",
)  # fmt: skip
SIGNED_IN = (
    "", LIST, f"{LIST}?user_type=lead&tag=vip&joined_from=2026-01-01&spent_from=x", f"{LIST}?q=nobody-at-all",
    f"{LIST}add/", *(f"{LIST}{{customer}}/{page}" for page in OF_A_CUSTOMER),
    "customers/staffmember/", "customers/staffmember/add/", "customers/staffmember/{member}/change/",
    "customers/staffmember/{member}/deactivate/",
    "orders/order/", "orders/order/add/", "orders/subscription/",
    "oauth/partnerapp/", "oauth/partnerapp/add/", "oauth/partnerapp/{app}/change/", "oauth/partnerapp/{app}/replace_secret/",
    "oauth/privateapp/", "oauth/privateapp/add/", "oauth/privateapp/{token}/change/", "oauth/privateapp/{token}/replace/",
    "oauth/auditevent/", "account/", "account/two-factor/", "password_change/",
)  # fmt: skip
SIGNED_OUT = ("login/", "password_reset/", "password_reset/done/")

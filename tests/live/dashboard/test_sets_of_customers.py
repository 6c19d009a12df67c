"""What an owner does with sets of customers: segments, groups, duplicates, the block list; on desktop and phone."""

import pytest

from tests.live.dashboard.pages import Pages
from tests.live.dashboard.people import add_customer, new_word, path_of, record_sales
from tests.live.dashboard.test_many import choose_all_whom
from tests.live.dashboard.test_pages import faults, forget_logs
from tests.live.owner import errors
from tests.support.order_documents import order

LIST = "customers/customer/"


@pytest.fixture(params=[(1440, 900), (390, 844)], ids=["1440px", "390px"])
def pages(request, chrome, shop, owner):
    browser = Pages(chrome, shop, *request.param)
    browser.be(owner)
    forget_logs(chrome)
    return browser


def check(pages: Pages) -> None:
    """Checks the current page: axe, an empty console, and nothing to scroll sideways, neither the page nor its list."""
    assert errors(pages.browser) == []  # violations of the content security policy included
    too_wide = "return ['html', '.results'].filter((css) => [...document.querySelectorAll(css)]"
    assert pages.browser.execute_script(f"{too_wide}.some((box) => box.scrollWidth > box.clientWidth))") == []
    assert faults(pages) == []
    forget_logs(pages.browser)  # axe itself tries styles that the policy forbids


def test_story_of_segment_group_duplicates_and_block(pages, shop):
    word = new_word("twinsisters")
    phone = f"+44 113 496 {int(word.split('-')[1]):04}"
    lovelace = add_customer(shop, first_name=word, last_name="Lovelace", phone_number=phone, tags=[word])
    byron = add_customer(shop, first_name=word, last_name="Byron", phone_number=phone)
    add_note(shop, lovelace, "Likes engines.")
    add_note(shop, byron, "Likes poems.")
    record_sales(shop, lovelace, order(number=f"N-{word}"))

    # Keep a filter as a segment.
    pages.open(f"{LIST}?tag={word}")
    pages.press("Save as segment")
    check(pages)
    pages.fill(name=f"Readers of {word}")
    pages.press("Save")
    assert "is saved" in pages.message
    pages.open(LIST)
    pages.press(f"Readers of {word} (1)")
    pages.wait_for(lambda: pages.rows == [f"{word} Lovelace"])
    check(pages)

    # Put both into a group: one on the page of the group, the other by an action of the list.
    pages.open("groups/customergroup/add/")
    pages.fill(name=f"Club {word}")
    pages.press("Save")
    pages.fill(email=lovelace["email"])
    pages.press("Add to group")
    assert "is in the group" in pages.message
    check(pages)
    group = pages.browser.current_url
    choose_all_whom(pages, word, "Add to group …")
    pages.fill(group=f"Club {word}")
    check(pages)
    pages.press("Add to group")
    pages.wait_for(lambda: "1 changed" in pages.find(".job-outcome").text)
    pages.browser.get(group)
    pages.press("All members, in the list of customers")
    assert set(pages.rows) == {f"{word} Lovelace", f"{word} Byron"}

    # Find the duplicate, once the worker has seen it.
    pages.open(path_of(byron))
    pages.wait_for(lambda: pages.all(".customer-hint") or pages.browser.refresh())
    assert "Perhaps the same person as" in pages.find(".customer-hint").text
    check(pages)

    # Merge both, and undo it.
    pages.press("Compare and merge")
    check(pages)
    pages.find("[name=last_name][value=other]").click()
    pages.press("Preview")
    assert pages.says("The merged customer")
    check(pages)
    pages.press("Merge")
    assert pages.message == "The customers are merged."
    assert pages.heading == f"{word} Lovelace"
    assert f"N-{word}" in pages.find("#orders").text
    assert {"Likes engines.", "Likes poems."} <= {each.text for each in pages.all(".customer-message")}
    check(pages)
    pages.find("#customer-danger summary").click()
    pages.press("Undo merge")
    pages.submit_dialog()
    pages.wait_for(lambda: pages.heading == f"{word} Byron")
    assert "The merge is undone" in pages.find("#customer-status").text

    # Block one of them.
    pages.find("#customer-danger summary").click()
    pages.press("Block")
    pages.fill_dialog(block_reason=f"Chargebacks of {word}.")
    check(pages)
    pages.submit_dialog()
    pages.wait_for(lambda: f"Chargebacks of {word}." in pages.find("#block").text)
    check(pages)
    pages.open(LIST)
    pages.press("More")
    pages.find("#content .menu a[href*=blockedcustomer]").click()
    assert pages.says(f"Chargebacks of {word}.")
    check(pages)


def add_note(shop, customer: dict, message: str) -> None:
    url = f"{shop.url}/api/admin/users/{customer['id']}/notes/"
    assert shop.session().post(url, json={"message": message}).ok

"""What an owner does with customers, from the first to the last."""

import json

from tests.live.dashboard.people import add_customer, emailed_link, new_word, path_of


class TestCreate:
    def test_add_customer_with_address_and_tags(self, pages, shop):
        email = f"{new_word('grace')}@hopper.example"

        pages.open("customers/customer/")
        pages.press("Add customer")
        pages.fill(email=email, first_name="Grace", last_name="Hopper", language="English")
        pages.find("#customer-tag-entry").send_keys("navy, compilers,")
        pages.fill(
            **{f"addresses-0-{name}": value for name, value in {"line1": "1 High St", "line4": "Leeds"}.items()},
            **{"addresses-0-country": "United Kingdom", "addresses-0-phone_number": "0113 496 0000"},
        )
        pages.press("Add customer")

        assert "is added" in pages.message
        (grace,) = shop.session().get(f"{shop.url}/api/admin/users/", params={"email": email}).json()["results"]
        assert (grace["first_name"], grace["tags"], grace["phone_number"]) == (
            "Grace", ["navy", "compilers"], "+441134960000",
        )  # fmt: skip

    def test_add_customer_shows_errors_at_their_fields(self, pages, ada):
        pages.open("customers/customer/add/")
        pages.fill(email=ada["email"].upper())
        pages.press("Add customer")

        assert pages.find(".field-email .errorlist a").text == f"Ada {ada['last_name']}"
        assert pages.value("email") == ada["email"].upper()


class TestFind:
    def test_search_by_parts_in_any_order(self, pages, ada):
        pages.open("customers/customer/")
        pages.find("#searchbar").send_keys(f"love ada {ada['email'].split('@')[0]}\n")

        pages.wait_for(lambda: pages.rows == [f"Ada {ada['last_name']}"])
        pages.wait_for(lambda: "1 customer" in pages.find(".how-many").text)

    def test_filters_combine_and_clear(self, pages, shop):
        word = new_word("rare")
        add_customer(shop, first_name="Only", last_name="One", tags=[word])

        add_customer(shop, first_name="Another", last_name="Two", tags=[word + "-2"])

        pages.open("customers/customer/")
        pages.press("Filters")
        for tag in (word, f"{word}-2"):
            pages.find("#filter_tag input[type=text]").send_keys(tag + "\t")
        pages.find("#filter_accepts_marketing option[value=False]").click()
        pages.press("Apply")
        pages.wait_for(lambda: pages.rows == ["Another Two", "Only One"])
        assert {chip.text.split("\n")[0] for chip in pages.all(".list-chips .chip")} == {
            f"Tag: {word}", f"Tag: {word}-2", "Marketing consent: No",
        }  # fmt: skip
        pages.find(f"[aria-label='Remove: Tag {word}-2']").click()
        pages.wait_for(lambda: pages.rows == ["Only One"])
        pages.press("Show all")
        pages.wait_for(lambda: len(pages.rows) > 1)


class TestEdit:
    def test_edit_customer_appears_in_the_timeline(self, pages, ada):
        pages.open(path_of(ada))
        pages.find("#contact [data-dialog]").click()
        pages.fill_dialog(first_name="Augusta Ada", language="French")
        pages.submit_dialog()

        assert pages.says("First name: Ada → Augusta Ada")
        pages.wait_for(lambda: pages.heading == f"Augusta Ada {ada['last_name']}")
        assert pages.all("dialog[open]") == []
        assert pages.browser.switch_to.active_element.text == "Edit"

    def test_edit_customer_shows_all_errors_in_the_dialog(self, pages, ada):
        pages.open(path_of(ada))
        pages.find("#contact [data-dialog]").click()
        pages.fill_dialog(email="no", phone_number="12")
        pages.submit_dialog()

        pages.wait_for(lambda: "2 fields need another value" in pages.dialog.text)
        pages.find("dialog .errornote a").click()
        pages.wait_for(lambda: pages.browser.switch_to.active_element.get_attribute("name") == "email")

    def test_edit_customer_leaves_an_untouched_email_as_it_was_written(self, pages, shop):
        for domain in ("münchen.example", "straße.example"):
            customer = add_customer(shop, email=f"{new_word('Ida')}@{domain}")

            pages.open(path_of(customer, "edit/"))
            pages.fill(last_name="Changed")
            pages.press("Save")

            kept = shop.session().get(f"{shop.url}/api/admin/users/{customer['id']}/").json()
            assert (kept["email"], kept["last_name"]) == (customer["email"], "Changed")

    def test_edit_customer_adds_and_deletes_an_address(self, pages, ada):
        pages.open(path_of(ada))
        pages.browser.execute_script("window.isSamePage = true")
        pages.press("Add address")
        pages.fill_dialog(line1="12 St James's Square", line4="London", country="United Kingdom")
        pages.submit_dialog()
        assert pages.says("Address added")
        assert "London\nUnited Kingdom" in pages.find("#addresses address").text

        pages.press("Delete")
        pages.submit_dialog()
        assert pages.says("Address deleted")
        assert pages.browser.execute_script("return window.isSamePage")

    def test_edit_tags_saves_each_one_at_once(self, pages, shop, ada):
        pages.open(path_of(ada))
        pages.find("#customer-tag-entry").send_keys("new, vip,")

        assert pages.says("Tags: new → new, vip")
        kept = shop.session().get(f"{shop.url}/api/admin/users/{ada['id']}/").json()
        assert kept["tags"] == ["new", "vip"]


class TestNote:
    def test_note_can_be_edited_for_five_minutes(self, pages, shop, ada):
        pages.open(path_of(ada))
        pages.fill(message="Asked for a call back.")
        pages.press("Add note")
        pages.wait_for(lambda: pages.find(".customer-message").text == "Asked for a call back.")
        assert pages.browser.switch_to.active_element.get_attribute("name") == "message"
        pages.press("Edit note")
        pages.fill_dialog(message="Called back.")
        pages.submit_dialog()
        pages.wait_for(lambda: pages.find(".customer-message").text == "Called back.")

        shop.manage(
            "shell", "--no-imports", "-c",
            "from datetime import timedelta; from django.db.models import F; from customers.models import Note;"
            f"Note.objects.filter(user={ada['id']}).update(created_at=F('created_at') - timedelta(minutes=5))",
        )  # fmt: skip
        link = next(each for each in pages.all("#timeline a") if each.text == "Edit note").get_attribute("href")
        pages.open(path_of(ada))
        assert [each.text for each in pages.all("#timeline li.customer-note a")] == []
        pages.browser.get(link)
        assert pages.says("You may not do this")


class TestBlock:
    def test_block_asks_for_confirmation_and_can_be_undone(self, pages, ada):
        pages.open(path_of(ada))
        pages.find("#customer-danger summary").click()
        pages.press("Block")
        assert "will be marked as blocked" in pages.dialog.text
        pages.submit_dialog()
        pages.wait_for(lambda: pages.find("#block").text.startswith("Blocked just now by "))
        assert "Orders: apps see the block" in pages.find("#block").text
        pages.wait_for(lambda: pages.browser.switch_to.active_element.tag_name == "summary")

        pages.press("Unblock")
        pages.submit_dialog()
        pages.wait_for(lambda: pages.all("#block") == [])

    def test_block_does_nothing_when_cancelled(self, pages, ada):
        pages.open(path_of(ada))
        pages.find("#customer-danger summary").click()
        pages.press("Block")
        pages.press("Cancel")

        assert pages.all("dialog[open], #block") == []


class TestPasswordReset:
    def test_password_reset_sends_a_working_link(self, pages, shop, ada):
        pages.open(path_of(ada))
        pages.press("Send password reset email")
        pages.submit_dialog()
        pages.wait_for(lambda: pages.find("#customer-status").text == f"An email to {ada['email']} is on its way.")

        pages.be(None)
        pages.browser.get(emailed_link(shop, ada["email"]))
        pages.fill(new_password1="Engine-of-analysis-1843", new_password2="Engine-of-analysis-1843")
        pages.press("Save")
        assert pages.heading == "Your password is set"


class TestPrivacy:
    def test_download_personal_data(self, pages, ada, tmp_path):
        pages.browser.execute_cdp_cmd(
            "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path), "eventsEnabled": True}
        )
        pages.open(path_of(ada))
        pages.press("Download personal data", downloads=True)

        pages.wait_for(lambda: (tmp_path / f"customer-{ada['id']}.json").exists())
        document = json.loads((tmp_path / f"customer-{ada['id']}.json").read_text())
        assert ada["email"] in json.dumps(document)

    def test_erase_needs_the_typed_confirmation(self, pages, shop, ada):
        pages.open(path_of(ada))
        pages.find("#customer-danger summary").click()
        pages.press("Erase")
        pages.fill(confirmation="no")
        pages.press("Erase permanently")
        assert "Type the email address or" in pages.find(".errorlist").text

        pages.fill(confirmation=ada["email"])
        pages.press("Erase permanently")
        assert pages.message == f"Customer {ada['id']} is erased."
        pages.open(f"customers/customer/?q={ada['email']}")
        assert pages.rows == []
        assert ada["email"] not in shop.session().get(f"{shop.url}/api/admin/users/{ada['id']}/").text

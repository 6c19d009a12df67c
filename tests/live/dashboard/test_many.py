"""What an owner does with many customers at once: brings them in, tags, blocks and exports them."""

import csv

from tests.live.dashboard.people import add_customer, new_word
from tests.live.dashboard.test_pages import faults


def people_file(folder, word: str, number: int, *, extra: str = "") -> str:
    path = folder / f"{word}.csv"
    rows = "".join(f"{word}-{n}@example.com,{word},Nobody\n" for n in range(number))
    path.write_text(f"E-Mail,Vorname,Surname\n{rows}{extra}")
    return str(path)


def emails_found(shop, word: str) -> list[str]:
    """Of the customers with this first name."""
    people, url = [], f"{shop.url}/api/admin/users/?name={word}&page_size=250"
    while url:
        page = shop.session().get(url).json()
        people += page["results"]
        url = page["next"]
    return [person["email"] for person in people]


def choose_all_whom(pages, word: str, action: str) -> None:
    pages.open(f"customers/customer/?q={word}")
    pages.find("#action-toggle").click()
    if across := pages.all("[name=select_across]"):
        across[0].click()
    pages.press(action)


class TestImport:
    def test_import_maps_columns_and_lists_rejected_rows(self, pages, shop, tmp_path):
        word = new_word("import")
        file = people_file(tmp_path, word, 3, extra=f"nobody,{word},x\n{word}-1@example.com,{word},again\n")

        pages.open("customers/customer/")
        pages.press("Import")
        assert faults(pages) == []
        pages.find("[name=file]").send_keys(file)
        pages.press("Upload")
        assert (pages.value("column_0"), pages.value("column_1")) == ("email", "first_name")
        pages.fill(column_2="(don't import)")
        assert faults(pages) == []
        pages.press("Check first")
        assert pages.says("would be created")
        assert emails_found(shop, word) == []
        pages.press("Import")

        pages.wait_for(lambda: "3 created" in pages.find(".job-outcome").text)
        email = f"{word}-1@example.com"
        taken = "Somebody in the store or in an earlier row has this email already."
        assert [" ".join(row.text.split()) for row in pages.all(".job-rejected tbody tr")] == [
            f"5 {word}, nobody E-Mail: Enter a valid email address. Given: “nobody”.",
            f"6 {word}, {email} E-Mail: {taken} Given: “{email}”.",
        ]
        assert len(emails_found(shop, word)) == 3
        assert faults(pages) == []

    def test_long_import_shows_progress_and_resumes(self, pages, shop, tmp_path):
        word = new_word("long")

        pages.open("jobs/job/import/")
        pages.find("[name=file]").send_keys(people_file(tmp_path, word, 60_000))
        pages.press("Upload")
        pages.press("Import")
        pages.wait_for(lambda: "customers, " in pages.find("#job-words").text)
        job = pages.browser.current_url
        pages.open()
        pages.browser.get(job)

        words = [""]

        def changes() -> bool:
            words.append("".join(element.text for element in pages.all("#job-words, .job-outcome")))
            return words[-1] not in ("", words[-2])

        while "60,000 created" not in words[-1]:  # a busy machine takes minutes, and shows progress all the time
            pages.wait_for(changes)


class TestTags:
    def test_bulk_tag_of_all_search_results(self, pages, shop):
        word = new_word("many")
        for number in range(52):
            add_customer(shop, first_name=word, last_name=str(number))

        choose_all_whom(pages, word, "Add tags …")
        assert pages.says("Add tags: 52 customers")
        pages.find("#customer-tag-entry").send_keys("spring,")
        assert faults(pages) == []
        pages.press("Add tags")

        pages.wait_for(lambda: "52 changed" in pages.find(".job-outcome").text)
        (found,) = {tuple(person["tags"]) for person in people_named(shop, word)}
        assert found == ("spring",)


class TestBlock:
    def test_bulk_block_asks_for_confirmation(self, pages, shop):
        word = new_word("blocked")
        add_customer(shop, first_name=word)

        choose_all_whom(pages, word, "Block …")
        assert [person["is_blocked"] for person in people_named(shop, word)] == [False]
        pages.press("Block")

        pages.wait_for(lambda: "1 changed" in pages.find(".job-outcome").text)
        assert [person["is_blocked"] for person in people_named(shop, word)] == [True]


class TestExport:
    def test_export_button_downloads_what_the_list_shows(self, pages, shop, tmp_path):
        word = new_word("twoclicks")
        person = add_customer(shop, first_name=word)
        pages.browser.execute_cdp_cmd(
            "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path), "eventsEnabled": True}
        )

        pages.open(f"customers/customer/?q={word}")
        pages.press("Export")
        pages.press("CSV", downloads=True)

        pages.wait_for(lambda: list(tmp_path.glob("*.csv")))
        (file,) = tmp_path.glob("*.csv")
        assert [row["email"] for row in csv.DictReader(file.read_text().splitlines())] == [person["email"]]

    def test_export_contains_the_selected_customers(self, pages, shop, owner):
        word = new_word("export")
        person = add_customer(shop, first_name=word)

        choose_all_whom(pages, word, "Export …")
        assert faults(pages) == []
        pages.press("Export")
        link = pages.find("a[href$='/file/']").get_attribute("href")

        (row,) = csv.DictReader(owner.get(link).text.splitlines())
        assert (row["email"], row["first_name"]) == (person["email"], word)


def people_named(shop, word: str) -> list[dict]:
    return shop.session().get(f"{shop.url}/api/admin/users/?name={word}&page_size=250").json()["results"]

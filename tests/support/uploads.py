"""The pages on which a file of customers is uploaded and imported."""

from tests.support.pages import fields_of

UPLOAD = "/dashboard/jobs/job/import/"


def send(browser, page, **changed):
    """Its form as it stands, but for what is changed."""
    return browser.post(page, {**fields_of(browser.get(page), "job-form"), **changed}, follow=True)

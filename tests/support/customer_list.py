"""The list of customers in the dashboard, as a test reads it."""

from tests.support.dashboard import CUSTOMERS


def found(browser, **query) -> list[str]:
    """The emails on the page, in order."""
    response = browser.get(CUSTOMERS, query)
    assert response.status_code == 200
    return [customer.email for customer in response.context_data["cl"].result_list]


def page(browser, **query) -> str:
    response = browser.get(CUSTOMERS, query)
    assert response.status_code == 200
    return response.content.decode()

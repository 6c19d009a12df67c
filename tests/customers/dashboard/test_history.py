"""The history page of an object: who did what."""

import pytest

from customers.orders.services import record_order
from tests.support.dashboard import DASHBOARD, customer_url
from tests.support.order_documents import order
from tests.support.partner import register_partner


def test_app_history_shows_confirmed_actions_and_who_confirmed_them(dashboard_client, owner):
    app = f"{DASHBOARD}oauth/partnerapp/{register_partner(owner).app.pk}/"

    dashboard_client.post(f"{app}uninstall/")

    page = dashboard_client.get(f"{app}history/").content.decode()
    assert "Uninstall" in page
    assert owner.email in page


def test_app_history_omits_actions_that_were_not_confirmed(dashboard_client, owner):
    app = f"{DASHBOARD}oauth/partnerapp/{register_partner(owner).app.pk}/"

    dashboard_client.get(f"{app}uninstall/")

    assert "doesn’t have a change history" in dashboard_client.get(f"{app}history/").content.decode()


@pytest.mark.parametrize("kind", ["customer", "order"])
def test_history_page_exists_for_unchanged_objects(dashboard_client, ada, kind):
    row = record_order(user_id=ada.pk, document=order())
    url = {"customer": customer_url(ada), "order": f"{DASHBOARD}orders/order/{row.pk}/change/"}[kind]

    assert dashboard_client.get(url.replace("change", "history"), follow=True).status_code == 200

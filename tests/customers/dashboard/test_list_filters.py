"""The filters of the list of partner apps."""

from django.utils import timezone

from oauth.models import PartnerApp
from tests.support.dashboard import DASHBOARD
from tests.support.partner import register_partner

PARTNER_APPS = f"{DASHBOARD}oauth/partnerapp/"


def test_partner_apps_are_filtered_by_state_and_installation(dashboard_client):
    register_partner(name="Rocket Mailer")
    register_partner(name="Label Printer")
    PartnerApp.objects.filter(name="Rocket Mailer").update(installed_at=timezone.now(), is_active=False)

    for query, names in {
        "installed=yes": ["Rocket Mailer"],
        "installed=no": ["Label Printer"],
        "is_active=yes": ["Label Printer"],
        "is_active=no": ["Rocket Mailer"],
        "installed=x": ["Label Printer", "Rocket Mailer"],
    }.items():
        shown = dashboard_client.get(f"{PARTNER_APPS}?{query}").context_data["cl"].result_list
        assert sorted(app.name for app in shown) == names, query

"""The same code or token many times at the same moment, and access that ends while it begins."""

import pytest

from oauth.models import AccessToken, PartnerApp
from tests.support.concurrency import at_once
from tests.support.oauth_outcomes import is_live, logged
from tests.support.partner import REVOKE

pytestmark = pytest.mark.django_db(transaction=True)


def issued_by(answers) -> list[dict]:
    return [answer.json() for answer in answers if answer.status_code == 200]


def assert_nothing_works(partner, issued: list[dict]) -> None:
    assert not AccessToken.objects.filter(application=partner.app).exists()
    for tokens in issued:
        assert not is_live(tokens["access_token"])
        assert partner.refresh(tokens["refresh_token"]).status_code == 400


def uninstall(partner, dashboard_client):
    return dashboard_client.post(f"/dashboard/oauth/partnerapp/{partner.app.pk}/uninstall/")


class TestEightTimesAtOnce:
    def test_code_used_at_once_issues_tokens_once_and_revokes_them(self, partner, dashboard_client):
        code = partner.consent(dashboard_client)["code"]

        answers = at_once([lambda: partner.exchange(code)] * 8)

        assert sorted(answer.status_code for answer in answers) == [200] + [400] * 7
        assert logged("code_reused", partner.client_id)
        assert_nothing_works(partner, issued_by(answers))

    def test_refresh_token_used_at_once_issues_tokens_once_and_revokes_its_family(self, partner, dashboard_client):
        former = partner.install(dashboard_client)

        answers = at_once([lambda: partner.refresh(former["refresh_token"])] * 8)

        assert sorted(answer.status_code for answer in answers) == [200] + [400] * 7
        assert logged("refresh_token_reused", partner.client_id)
        assert_nothing_works(partner, [former, *issued_by(answers)])

    def test_code_and_its_refresh_token_used_at_once_leave_nothing(self, partner, dashboard_client):
        code = partner.consent(dashboard_client)["code"]
        former = partner.exchange(code).json()

        answers = at_once([lambda: partner.exchange(code), lambda: partner.refresh(former["refresh_token"])] * 4)

        assert len(issued_by(answers)) <= 1
        assert_nothing_works(partner, [former, *issued_by(answers)])

    def test_consents_given_at_once_give_codes_that_work_once_each(self, partner, dashboard_client):
        codes = [back["code"] for back in at_once([lambda: partner.consent(dashboard_client)] * 8)]

        answers = at_once([lambda code=code: partner.exchange(code) for code in codes])

        assert {answer.status_code for answer in answers} == {200}
        assert all(is_live(tokens["access_token"]) for tokens in issued_by(answers))
        assert AccessToken.objects.filter(application=partner.app).count() == 8


@pytest.mark.parametrize("turn", range(3))
class TestUninstalledAtTheSameMoment:
    def test_uninstalling_while_a_code_is_exchanged_leaves_nothing(self, partner, dashboard_client, turn):
        codes = [partner.consent(dashboard_client)["code"] for _ in range(4)]
        exchanges = [lambda code=code: partner.exchange(code) for code in codes]

        *answers, _ = at_once([*exchanges, lambda: uninstall(partner, dashboard_client)])

        assert {answer.status_code for answer in answers} <= {200, 400}
        assert_nothing_works(partner, issued_by(answers))
        assert PartnerApp.objects.get().installed_at is None

    def test_uninstalling_while_a_token_is_refreshed_leaves_nothing(self, partner, dashboard_client, turn):
        former = [partner.install(dashboard_client) for _ in range(4)]
        refreshes = [lambda tokens=tokens: partner.refresh(tokens["refresh_token"]) for tokens in former]

        *answers, _ = at_once([*refreshes, lambda: uninstall(partner, dashboard_client)])

        assert {answer.status_code for answer in answers} <= {200, 400}
        assert_nothing_works(partner, [*former, *issued_by(answers)])

    def test_uninstalling_while_consent_is_given_leaves_a_code_only_if_installed(self, partner, dashboard_client, turn):
        consent, _ = at_once([lambda: partner.consent(dashboard_client), lambda: uninstall(partner, dashboard_client)])

        answer = partner.exchange(consent["code"])

        assert (answer.status_code == 200) == bool(PartnerApp.objects.get().installed_at)


@pytest.mark.parametrize("turn", range(3))
def test_revoking_while_refreshing_leaves_at_most_the_successor(partner, dashboard_client, turn):
    former = partner.install(dashboard_client)

    refreshed, revoked = at_once(
        [
            lambda: partner.refresh(former["refresh_token"]),
            lambda: partner.post(REVOKE, token=former["refresh_token"]),
        ]
    )

    assert revoked.status_code == 200
    assert not is_live(former["access_token"])
    assert AccessToken.objects.filter(application=partner.app).count() == len(issued_by([refreshed]))

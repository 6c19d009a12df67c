"""Partner apps that the tests of the authorization server use."""

import pytest

from oauth.models import PartnerApp
from tests.support.partner import Partner, register_partner


@pytest.fixture
def partner(owner) -> Partner:
    """A confidential client that may ask for reading and writing customers."""
    return register_partner(owner)


@pytest.fixture
def public_partner(owner) -> Partner:
    """A public client: no secret, so PKCE is required."""
    return register_partner(owner, client_type=PartnerApp.CLIENT_PUBLIC)


@pytest.fixture
def other_partner(owner) -> Partner:
    """A confidential client of somebody else."""
    return register_partner(owner)

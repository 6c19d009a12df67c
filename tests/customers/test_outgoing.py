"""Which addresses and ports this store connects to."""

from ipaddress import ip_address

import pytest

from customers.core.outgoing import HostNotAllowed, check_target, is_public
from tests.support.addresses import EMBEDDED_LOOPBACK, GLOBAL_ADDRESSES, SPECIAL_ADDRESSES, SPELLINGS_OF_LOOPBACK

pytestmark = pytest.mark.once


def test_addresses_in_special_purpose_registries_are_not_public():
    assert [address for address in SPECIAL_ADDRESSES if is_public(ip_address(address))] == []


def test_global_addresses_are_public():
    assert [address for address in GLOBAL_ADDRESSES if not is_public(ip_address(address))] == []


@pytest.mark.parametrize("host", [*SPELLINGS_OF_LOOPBACK, *EMBEDDED_LOOPBACK, "127.0.0.1.", "[fe80::1%25eth0]"])
def test_target_is_checked_in_every_spelling_of_its_address(settings, host):
    settings.WEBHOOKS_ALLOW_PRIVATE = False

    with pytest.raises(HostNotAllowed, match="address"):
        check_target(host.strip("[]"), 443)


@pytest.mark.parametrize("port", [0, 21, 22, 25, 79, 81, 442, 444, 1023, 65536])
def test_target_with_a_port_outside_the_setting_is_refused(settings, port):
    settings.WEBHOOKS_PORTS = [(80, 80), (443, 443), (1024, 65535)]

    with pytest.raises(HostNotAllowed, match="port"):
        check_target("receiver.example", port)


@pytest.mark.parametrize("port", [80, 443, 1024, 8443, 65535])
def test_target_with_a_port_of_the_setting_is_accepted(settings, port):
    settings.WEBHOOKS_PORTS = [(80, 80), (443, 443), (1024, 65535)]

    check_target("receiver.example", port)

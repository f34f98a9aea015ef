"""Section A, security: to which addresses a download may connect."""

import pytest

from keyhole.lists.download.addresses import AddressGuard

PRIVATE = ["10.0.0.1", "127.0.0.1", "169.254.169.254", "192.168.1.1", "224.0.0.1"]
FORMS = [
    "::ffff:{}",
    "::{}",
    "::ffff:0:{}",
    "64:ff9b::{}",
    "2606:4700::5efe:{}",
    "2606:4700::200:5efe:{}",
    "2606:4700:1:2:0:5efe:{}",
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_carries_a_local_one_is_refused(form: str, address: str) -> None:
    """A16: the same forms that the core calls local (RFC 2765, RFC 5214 and others)."""
    guard = AddressGuard()
    assert guard.refusal(form.format(address), 443) == "which is not a public address"


@pytest.mark.parametrize("form", FORMS)
def test_an_address_that_carries_one_of_keyhole_itself_is_refused(form: str) -> None:
    """A16: whatever the settings allow."""
    guard = AddressGuard(own=frozenset({("9.9.9.9", 443)}))
    assert guard.refusal(form.format("9.9.9.9"), 443) == "on which Keyhole itself listens"


def test_the_networks_that_the_registry_calls_local_are_refused_and_public_ones_are_not() -> None:
    """A16: also the one for discarding of RFC 9780."""
    guard = AddressGuard()
    assert guard.refusal("100:0:0:1::1", 443) is not None
    for address in ("2606:4700::1111", "2606:4700::5efe:9.9.9.9", "64:ff9b::9.9.9.9"):
        assert guard.refusal(address, 443) is None, address

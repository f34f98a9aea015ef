"""SPIFFE IDs are read exactly as the engine reads them."""

import pytest

from keyhole.model.spiffe import (
    read_short_name,
    read_spiffe_id,
    read_trust_domain,
    spiffe_id_for,
    trust_domain_of,
)


def test_an_id_has_a_trust_domain_and_a_path() -> None:
    found = read_spiffe_id("spiffe://keyhole.lab/ns/shop/sa/web")
    assert trust_domain_of(found) == "keyhole.lab"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "spiffe://keyhole.lab",
        "spiffe://keyhole.lab/",
        "spiffe:///ns/shop",
        "https://keyhole.lab/ns",
        "spiffe://Keyhole.lab/ns",
        "spiffe://keyhole.lab:8443/ns",
        "spiffe://user@keyhole.lab/ns",
        "spiffe://keyhole.lab/ns//sa",
        "spiffe://keyhole.lab/ns/",
        "spiffe://keyhole.lab/../sa",
        "spiffe://keyhole.lab/ns?x=1",
        "spiffe://keyhole.lab/ns#x",
        "spiffe://keyhole.lab/n%73",
        "spiffe://keyhole.lab/ns\0",
        "spiffe://a/" + "b" * 2038,
    ],
)
def test_what_the_engine_would_not_read_is_not_read_here(text: str) -> None:
    with pytest.raises(ValueError):
        read_spiffe_id(text)


def test_the_longest_id_has_2048_octets() -> None:
    assert read_spiffe_id("spiffe://a/" + "b" * 2037)


@pytest.mark.parametrize(
    "text", ["", "Example.org", "spiffe://a", "a/b", "a:1", "a" * 256, "ä.org"]
)
def test_a_trust_domain_is_lower_case_and_nothing_more(text: str) -> None:
    with pytest.raises(ValueError):
        read_trust_domain(text)


@pytest.mark.parametrize(
    ("name", "path"), [("web", "ns/default/sa/web"), ("shop/web", "ns/shop/sa/web")]
)
def test_a_short_name_stands_for_an_id(name: str, path: str) -> None:
    assert spiffe_id_for(read_short_name(name), "keyhole.lab") == f"spiffe://keyhole.lab/{path}"


@pytest.mark.parametrize(
    "name", ["", "/", "a/b/c", "a/", "../a", ".a", "a b", "a\nb", "-a", "a" * 64]
)
def test_a_short_name_cannot_lead_elsewhere(name: str) -> None:
    with pytest.raises(ValueError):
        read_short_name(name)

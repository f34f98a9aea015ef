"""The sections identity and enrollment: defaults, valid values and errors."""

from pathlib import Path

import pytest

from keyhole.config import read_config_text, resolve
from keyhole.config.resolve import Resolved


def _resolved(text: str) -> Resolved:
    config, problems = read_config_text(text, "keyhole.yaml")
    assert config is not None, [str(problem) for problem in problems]
    return resolve(config, Path("/nowhere"))


def test_enrollment_is_off_without_a_listener() -> None:
    resolved = _resolved("")
    assert resolved.enrollment.listen == ()
    assert resolved.trust_domain == "keyhole.internal"


def test_an_address_alone_is_a_list_of_one() -> None:
    resolved = _resolved("enrollment: {listen: '192.0.2.1:8444', renew_expired: 7d}")
    assert [str(one) for one in resolved.enrollment.listen] == ["192.0.2.1:8444"]
    assert resolved.enrollment.grace == 7 * 86_400


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("identity: {trust_domain: Example.org}", "lower-case"),
        ("identity: {trust_domain: 'spiffe://example.org'}", "trust domain alone"),
        ("enrollment: {url: 'http://192.0.2.1'}", "not an https URL"),
        ("enrollment: {url: 'https://192.0.2.1/enroll'}", "more than name and port"),
        ("enrollment: {url: 'https://192.0.2.1:99999'}", "not a URL"),
        ("enrollment: {listen: ['8444']}", "not an address"),
        ("enrollment: {renew_expired: 2y}", "not a unit"),
    ],
)
def test_a_mistake_is_reported_with_what_would_be_right(text: str, why: str) -> None:
    config, problems = read_config_text(text, "keyhole.yaml")
    assert config is None
    assert why in str(problems[0])


def test_clients_are_shown_what_others_can_reach_first() -> None:
    service = _resolved(
        "listen: {dot: ['127.0.0.1:853', '192.0.2.1:853'], doh: ['[::]:443']}\n"
        "tls: {names: [dns.example.org, '2001:db8::1']}\n"
        "clients: [192.0.2.0/24]"
    ).service
    assert service.name == "dns.example.org"
    assert [place.address for place in service.dot] == ["192.0.2.1", "127.0.0.1"]
    assert [place.address for place in service.doh] == ["2001:db8::1"]
    assert service.doh_url("secret") == "https://dns.example.org/dns-query/secret"
    assert service.dot_name("secret") == "secret.dns.example.org"


def test_without_a_name_the_url_has_the_address() -> None:
    service = _resolved("listen: {doh: ['[::1]:8443']}").service
    assert service.doh_url() == "https://[::1]:8443/dns-query"
    assert service.dot_name("secret") is None

"""Which listeners and server names ask for a client certificate."""

from pathlib import Path

import pytest

from keyhole.config import read_config_text, resolve
from keyhole.config.resolve import Resolved
from keyhole.model.address import read_listener

TWO = "listen: {doh: ['127.0.0.1:8443', '127.0.0.1:8445']}\n"
NAMES = "tls: {names: [dns.example.org, tv.dns.example.org]}\n"


def _resolved(text: str) -> Resolved:
    config, problems = read_config_text(text, "keyhole.yaml")
    assert config is not None, problems
    return resolve(config, Path("/nowhere"))


def _said(text: str, *, is_advice: bool = False) -> list[str]:
    _, problems = read_config_text(text, "keyhole.yaml")
    return [f"{one.path}: {one.why}" for one in problems if one.is_advice is is_advice]


def test_doh_asks_nobody_and_dot_asks_by_default() -> None:
    options = _resolved("").options.client_certificates
    assert (options.dot, options.doh, options.listeners, options.names) == ("ask", "never", {}, {})


def test_a_listener_and_a_name_may_differ_however_they_are_spelled() -> None:
    resolved = _resolved(
        TWO + NAMES + "client_certificates:\n  listeners: {' 127.0.0.1:8445': ask}\n"
        "  names: {TV.dns.example.org.: require}\n"
    )
    options = resolved.options.client_certificates
    assert options.listeners == {"127.0.0.1:8445": "ask"}
    assert options.names == {"tv.dns.example.org": "require"}
    asked = [one.client_certificates for one in resolved.service.doh]
    assert asked == ["never", "ask"]
    assert resolved.service.names == options.names


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("client_certificates: {doh: maybe}", "client_certificates.doh: maybe is not valid"),
        ("client_certificates: {doh_cleartext: ask}", "client_certificates.doh_cleartext: there"),
        (
            "client_certificates: {listeners: {'127.0.0.1:9': ask}}",
            "client_certificates.listeners.127.0.0.1:9: 127.0.0.1:9 is not in listen.dot",
        ),
        (
            "client_certificates: {listeners: {x: ask}}",
            "client_certificates.listeners: x is a name",
        ),
        (
            "client_certificates: {names: {dns.example.org: ask}}",
            "client_certificates.names.dns.example.org: dns.example.org is not in tls.names",
        ),
        (
            "tls: {names: [192.0.2.1]}\nclient_certificates: {names: {192.0.2.1: ask}}",
            "client_certificates.names.192.0.2.1: 192.0.2.1 is an address",
        ),
        (
            NAMES + "client_certificates: {names: {dns.example.org: ask, DNS.example.org: never}}",
            "client_certificates.names: dns.example.org is given twice",
        ),
    ],
)
def test_what_could_never_act_is_an_error(text: str, expected: str) -> None:
    (error,) = _said(text)
    assert error.startswith(expected)


@pytest.mark.parametrize("transport", ["dot", "doh"])
def test_strict_without_a_listener_that_asks_is_told_to_accept_tokens_alone(transport: str) -> None:
    strict = f"authentication: {{{transport}: strict}}\nclient_certificates: "
    (advice,) = _said(f"{strict}{{{transport}: never}}\n", is_advice=True)
    assert advice.startswith(f"authentication.{transport}: no {transport} listener asks")
    assert _said(f"{strict}{{{transport}: ask}}\n", is_advice=True) == []


def test_behind_sidecars_doh_without_tls_serves_nobody_by_network_unless_told_so() -> None:
    mesh = "mesh: {trust_domains: [cluster.local]}\nlisten: {doh_cleartext: ['127.0.0.1:8080']}\n"
    listener = read_listener("127.0.0.1:8080")
    for text, expected in [
        (mesh, False),
        (mesh + "authentication: {doh_cleartext: permissive}\n", True),
        ("listen: {doh_cleartext: ['127.0.0.1:8080']}\n", True),
    ]:
        config, problems = read_config_text(text, "keyhole.yaml")
        assert config is not None, problems
        assert config.admits_networks("doh_cleartext", listener) is expected

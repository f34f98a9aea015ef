"""Authentication settings: strict off loopback, and no listener that refuses everybody."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyhole.config import read_config_text, resolve
from keyhole.errors import Problem, has_errors

LAN = "192.0.2.1:5300"


def problems_of(text: str) -> list[Problem]:
    return read_config_text(text, "keyhole.yaml")[1]


def errors_of(text: str) -> list[str]:
    return [f"{one.path}: {one.why}" for one in problems_of(text) if not one.is_advice]


def advice_of(text: str) -> list[str]:
    assert not has_errors(problems_of(text))
    return [f"{one.path}: {one.why}" for one in problems_of(text)]


def options_of(text: str) -> dict[str, Any]:
    config, problems = read_config_text(text, "keyhole.yaml")
    assert config is not None, problems
    return resolve(config, Path("/nowhere")).options.to_document()


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("mode", ["auto", "strict"])
def test_a_listener_off_loopback_whose_clients_have_no_credentials_is_an_error(
    transport: str, mode: str
) -> None:
    text = (
        f"listen: {{{transport}: ['127.0.0.1:5301', '{LAN}']}}\nclients: [192.0.2.0/24]\n"
        f"authentication: {{{transport}: {mode}}}\n"
    )
    (error,) = errors_of(text)
    assert error.startswith(f"listen.{transport}[{1 if mode == 'auto' else 0}]: ")
    assert f"set authentication.{transport}: permissive" in error
    assert "or use dot or doh" in error


def test_every_such_listener_is_reported_at_once() -> None:
    text = f"listen: {{udp: ['{LAN}'], tcp: ['{LAN}']}}\nclients: [192.0.2.0/24]\n"
    assert [error.split(":")[0] for error in errors_of(text)] == ["listen.udp[0]", "listen.tcp[0]"]


def test_permissive_authentication_is_no_error() -> None:
    text = f"listen: {{udp: [], tcp: ['{LAN}']}}\nclients: [192.0.2.0/24]\nauthentication: "
    assert advice_of(text + "{tcp: permissive}\n") == []


def test_encrypted_listeners_may_be_anywhere() -> None:
    text = "listen: {dot: ['192.0.2.1:853'], doh: ['192.0.2.1:443']}\nclients: [192.0.2.0/24]\n"
    assert advice_of(text) == []


def test_authentication_is_auto_by_default() -> None:
    assert set(options_of("")["authentication"].values()) == {"auto"}
    modes = options_of("authentication: {dot: strict, doh: permissive}")["authentication"]
    assert (modes["dot"], modes["doh"], modes["doh_cleartext"]) == ("strict", "permissive", "auto")


def test_an_unknown_word_is_answered_with_the_nearest() -> None:
    (error,) = errors_of("authentication: {dot: permisive}")
    assert error == "authentication.dot: permisive is not valid here; did you mean permissive?"


@given(
    st.sampled_from(["auto", "strict", "permissive"]),
    st.sampled_from(["127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "192.0.2.1:1", "0.0.0.0:1"]),
)
def test_networks_are_admitted_on_loopback_or_where_it_is_permissive(
    mode: str, address: str
) -> None:
    text = (
        f"listen: {{udp: [], tcp: [], doh: [], dot: ['{address}']}}\n"
        f"authentication: {{dot: {mode}}}\n"
    )
    config, _ = read_config_text(text, "keyhole.yaml")
    assert config is not None
    is_loopback = address.startswith(("127.", "[::1]"))
    expected = mode == "permissive" or (mode == "auto" and is_loopback)
    assert resolve(config, Path("/nowhere")).admits_networks is expected


def test_a_mesh_listener_needs_the_trust_domains_of_its_sidecars() -> None:
    (error,) = errors_of("listen: {mesh: ['127.0.0.1:1054']}")
    assert error.startswith("listen.mesh: 127.0.0.1:1054 would refuse all")
    assert "mesh.trust_domains" in error
    text = "listen: {mesh: '127.0.0.1:1054'}\nmesh: {trust_domains: cluster.local}\n"
    assert advice_of(text) == []
    options = options_of(text)
    assert options["listen"]["mesh"] == ["127.0.0.1:1054"]
    assert options["mesh"] == {
        "peers": ["127.0.0.0/8", "::1/128"],
        "trust_domains": ["cluster.local"],
    }


def test_a_mesh_listener_shares_no_port_with_another() -> None:
    text = "listen: {mesh: ['127.0.0.1:5300']}\nmesh: {trust_domains: [cluster.local]}\n"
    (error,) = errors_of(text)
    assert error == "listen.mesh: 127.0.0.1:5300 is taken by tcp; give another port"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mesh: {trust_domains: [cluster.local]}", "mesh.trust_domains: no sidecar can name"),
        (
            "listen: {mesh: ['192.0.2.1:1']}\nmesh: {trust_domains: [a.b]}",
            "mesh.peers: mesh listens",
        ),
        (
            "listen: {mesh: ['192.0.2.1:1']}\nmesh: {trust_domains: [a.b], peers: [192.0.2.0/24]}",
            "listen.mesh: every host in 192.0.2.0/24 can send queries to 192.0.2.1:1 as any",
        ),
    ],
)
def test_a_mesh_that_is_probably_a_mistake_is_advised_against(text: str, expected: str) -> None:
    (advice,) = advice_of(text)
    assert advice.startswith(expected)


def test_what_is_no_trust_domain_is_refused() -> None:
    (error,) = errors_of("mesh: {trust_domains: [spiffe://cluster.local/x]}")
    assert error.startswith("mesh.trust_domains[0]: spiffe://cluster.local/x is a SPIFFE ID")


def test_only_dns_names_of_the_certificate_are_names_for_tokens() -> None:
    options = options_of("tls: {names: [dns.example.org, 192.0.2.1, DNS.example.net]}")
    assert options["names"] == ["dns.example.org", "dns.example.net"]

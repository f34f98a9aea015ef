"""Changes take effect without a restart, or not at all."""

import json
import ssl

import dns.message
import pytest

from tests.world import raw
from tests.world.ask import Server
from tests.world.certificates import Authority
from tests.world.resolver import Resolver, document
from tests.world.upstream import ADDRESS, Upstream


@pytest.fixture
def resolver(reset_resolver: Resolver) -> Resolver:
    """One for this module."""
    return reset_resolver


def _policy(**changes: object) -> dict[str, object]:
    return document("Policy", "home", **{"default": "allow", "upstreams": ["test"], **changes})


def _serial(server: Server) -> str:
    with raw.tls(server) as stream:
        assert isinstance(stream.sock, ssl.SSLSocket)
        certificate = stream.sock.getpeercert()
    assert certificate
    return str(certificate["serialNumber"])


def test_a_changed_rule_acts_at_once_also_on_what_is_cached(resolver: Resolver) -> None:
    server = resolver.start().server
    engine = resolver.program.children("engine")
    assert server.ask("cached.example.org").addresses == [ADDRESS]
    resolver.write(_policy(rules=[{"block": ["cached.example.org"]}]))
    resolver.settle()
    assert server.ask("cached.example.org").rcode == "NXDOMAIN"
    resolver.write(_policy())
    resolver.settle()
    assert server.ask("cached.example.org").addresses == [ADDRESS]
    assert resolver.program.children("engine") == engine, "no restart"


def test_a_connection_outlives_a_change_and_obeys_it(resolver: Resolver) -> None:
    server = resolver.start().server
    query = dns.message.make_query("open.example.org", "A")
    with raw.tls(server) as stream:
        stream.send(query.to_wire())
        assert stream.receive() is not None
        resolver.write(_policy(rules=[{"block": ["open.example.org"]}]))
        resolver.settle()
        stream.send(query.to_wire())
        answer = stream.receive()
    assert answer is not None
    assert dns.message.from_wire(answer).rcode() == 3


def test_a_changed_list_file_takes_effect(resolver: Resolver) -> None:
    names = resolver.documents / "ads.txt"
    names.write_text("one.example.org\n")
    resolver.write(document("List", "ads", kind="block", files=["ads.txt"]), _policy(lists=["ads"]))
    server = resolver.start().server
    assert server.ask("one.example.org").rcode == "NXDOMAIN"
    assert server.ask("two.example.org").addresses == [ADDRESS]
    names.write_text("two.example.org\n")
    resolver.wait_for(
        lambda: server.ask("two.example.org").rcode == "NXDOMAIN", "the new list is in force"
    )
    assert server.ask("one.example.org").addresses == [ADDRESS]


@pytest.mark.parametrize(
    "broken",
    [
        "kind: [",
        json.dumps(document("Policy", "home", defualt="deny")),
        json.dumps(document("Policy", "home", default="deny", upstreams=["nowhere"])),
    ],
    ids=["no YAML", "an unknown key", "an unknown upstream"],
)
def test_an_invalid_change_keeps_the_old_and_says_why(resolver: Resolver, broken: str) -> None:
    server = resolver.start().server
    before = resolver.program.output
    (resolver.documents / "policy-home.yaml").write_text(broken)
    resolver.wait_for(
        lambda: "policy-home.yaml" in resolver.program.output[len(before) :], "it says why"
    )
    assert server.ask("still.example.org").addresses == [ADDRESS]
    resolver.write(_policy(rules=[{"block": ["mended.example.org"]}]))
    resolver.settle()
    assert server.ask("mended.example.org").rcode == "NXDOMAIN"


def test_a_new_certificate_is_shown_without_a_restart(
    resolver: Resolver, authority: Authority
) -> None:
    server = resolver.start().server
    engine = resolver.program.children("engine")
    old = _serial(server)
    query = dns.message.make_query("probe.example.org", "A").to_wire()
    with raw.tls(server) as open_before:
        open_before.send(query)
        assert open_before.receive() is not None
        resolver.install(authority.issue("resolver.example.org", "127.0.0.1"))
        resolver.wait_for(lambda: _serial(server) != old, "the new certificate is shown")
        open_before.send(query)
        assert open_before.receive() is not None, "open connections go on"
    assert resolver.program.children("engine") == engine


def test_an_unreadable_certificate_keeps_the_old_one(resolver: Resolver) -> None:
    server = resolver.start().server
    old, before = _serial(server), resolver.program.output
    resolver.certificate.certificate.write_text("this is no certificate\n")
    resolver.wait_for(lambda: "server.pem" in resolver.program.output[len(before) :], "it says why")
    assert _serial(server) == old


def test_a_second_upstream_takes_over_from_one_that_is_gone(
    resolver: Resolver, upstream: Upstream, authority: Authority
) -> None:
    pair = authority.issue("upstream.example.org", "127.0.0.1")
    with Upstream(pair) as second:
        resolver.write(
            resolver.upstream(second.port, "second"), _policy(upstreams=["test", "second"])
        )
        server = resolver.start().server
        assert server.ask("first.example.org").addresses == [ADDRESS]
        upstream.stop()
        for number in range(10):
            assert server.ask(f"over-{number}.example.org").addresses == [ADDRESS]

"""Upstreams that are gone, late, false or mad: a failure with its reason, and nobody else asked."""

import itertools
from typing import Any

import pytest

from tests.world.ask import Reply
from tests.world.certificates import Authority
from tests.world.ports import free_port
from tests.world.resolver import Resolver, document
from tests.world.upstream import ADDRESS, Upstream

_STALE, _NETWORK_ERROR, _INVALID_DATA = 3, 22, 23
SETTINGS = {"cache": {"stale": "1d"}, "limits": {"query_time": "3s"}}


@pytest.fixture
def resolver(reset_resolver: Resolver) -> Resolver:
    """One for this module."""
    return reset_resolver


def _failed(reply: Reply, *codes: int) -> str:
    assert reply.rcode == "SERVFAIL", reply.message
    assert len(reply.errors) == 1
    code, text = reply.errors[0]
    assert code in codes
    return text


def _behind(resolver: Resolver, port: int, **changes: Any) -> Resolver:
    resolver.write(
        resolver.upstream(port, **changes),
        document("Policy", "home", default="allow", upstreams=["test"]),
    )
    return resolver.start()


def test_no_upstream_is_a_failure_that_says_so(resolver: Resolver) -> None:
    server = _behind(resolver, free_port()).server
    reply = server.ask("gone.example.org", is_proved=True)
    assert _failed(reply, _NETWORK_ERROR).startswith("upstream_")


def test_stale_answers_serve_while_every_upstream_is_gone(
    resolver: Resolver, authority: Authority
) -> None:
    with Upstream(authority.issue("upstream.example.org", "127.0.0.1"), ttl=1) as upstream:
        server = _behind(resolver, upstream.port).server
        assert server.ask("known.example.org").addresses == [ADDRESS]
    # The upstream is gone; within a second the answer is old, and from then on it is marked.
    resolver.wait_for(lambda: server.ask("known.example.org").errors, "the answer is stale")
    reply = server.ask("known.example.org")
    assert reply.addresses == [ADDRESS]
    assert reply.errors[0][0] == _STALE
    assert reply.message.answer[0].ttl <= 30
    _failed(server.ask("unknown.example.org"), _NETWORK_ERROR)


@pytest.mark.parametrize("flaw", ["another name", "another root", "expired"])
def test_an_upstream_that_cannot_prove_itself_hears_no_question(
    resolver: Resolver, authority: Authority, tmp_path_factory: pytest.TempPathFactory, flaw: str
) -> None:
    other = Authority(tmp_path_factory.mktemp("other"), "somebody else's root")
    pair = {
        "another name": lambda: authority.issue("false.example.org"),
        "another root": lambda: other.issue("upstream.example.org", "127.0.0.1"),
        "expired": lambda: authority.issue("upstream.example.org", expired=True),
    }[flaw]()
    with Upstream(pair) as false:
        server = _behind(resolver, false.port).server
        _failed(server.ask("secret.example.org"), _NETWORK_ERROR)
        assert false.messages == []


def test_an_upstream_with_another_key_than_the_pinned_one_hears_no_question(
    resolver: Resolver, authority: Authority
) -> None:
    pin = "A" * 43 + "="
    # One that was never in force without the pin: Keyhole itself may ask that of the other tests.
    with Upstream(authority.issue("upstream.example.org", "127.0.0.1")) as false:
        server = _behind(resolver, false.port, pins=[pin]).server
        _failed(server.ask("pinned.example.org"), _NETWORK_ERROR)
        assert false.messages == []


@pytest.mark.parametrize("behavior", ["garbage", "silent", "close"])
def test_an_upstream_that_misbehaves_costs_only_its_own_question(
    resolver: Resolver, upstream: Upstream, behavior: str
) -> None:
    server = _behind(resolver, upstream.port).server
    _failed(server.ask(f"{behavior}-1.example.org"), _NETWORK_ERROR, _INVALID_DATA)
    # A connection that ended unasked is given a moment's pause, not more.
    numbers = itertools.count()
    resolver.wait_for(
        lambda: server.ask(f"well-{next(numbers)}.example.org").addresses, "it answers again"
    )


def test_a_failure_of_an_upstream_is_passed_on(resolver: Resolver) -> None:
    server = resolver.start().server
    assert server.ask("servfail-1.example.org").rcode == "SERVFAIL"

"""Padding, keepalive, and what is never said over which transport."""

import dns.edns
import dns.message
import pytest

from tests.world import raw
from tests.world.ask import Server, Transport, option
from tests.world.resolver import Resolver

_PADDING = int(dns.edns.OptionType.PADDING)
_KEEPALIVE = 11
_BLOCK = 468


@pytest.fixture
def server(shared_resolver: Resolver) -> Server:
    return shared_resolver.server


def _ask(server: Server, transport: Transport, code: int | None) -> dns.message.Message:
    options = [] if code is None else [option(code)]
    query = dns.message.make_query("padding.example.org", "A", use_edns=0, options=options)
    return server.ask("", "", transport, query).message


def _carries(reply: dns.message.Message, code: int) -> bool:
    return any(int(each.otype) == code for each in reply.options)


@pytest.mark.parametrize("name", ["padding.example.org", "blocked.example.org"])
def test_answers_over_tls_are_padded_to_blocks_when_the_query_was(
    server: Server, name: str
) -> None:
    query = dns.message.make_query(name, "A", use_edns=0, options=[option(_PADDING, b"")])
    with raw.tls(server) as stream:
        stream.send(query.to_wire())
        answer = stream.receive()
    assert answer is not None
    assert len(answer) % _BLOCK == 0


def test_answers_over_https_are_padded_when_the_query_was(server: Server) -> None:
    assert _carries(_ask(server, "doh", _PADDING), _PADDING)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_nothing_is_padded_in_the_clear(server: Server, transport: Transport) -> None:
    assert not _carries(_ask(server, transport, _PADDING), _PADDING)


@pytest.mark.parametrize("transport", ["udp", "tcp", "dot", "doh"])
def test_nothing_is_padded_unasked(server: Server, transport: Transport) -> None:
    assert not _carries(_ask(server, transport, None), _PADDING)


@pytest.mark.parametrize("transport", ["tcp", "dot"])
def test_keepalive_is_said_on_streams_when_asked(server: Server, transport: Transport) -> None:
    assert _carries(_ask(server, transport, _KEEPALIVE), _KEEPALIVE)
    assert not _carries(_ask(server, transport, None), _KEEPALIVE)


@pytest.mark.parametrize("transport", ["udp", "doh"])
def test_keepalive_is_never_said_over_udp_and_https(server: Server, transport: Transport) -> None:
    assert not _carries(_ask(server, transport, _KEEPALIVE), _KEEPALIVE)

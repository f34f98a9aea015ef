"""The compliance set of RFC 8906 section 8, and what RFC 6891 adds to it."""

import dns.edns
import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rdatatype
import pytest

from tests.world import raw
from tests.world.ask import Server, Transport, option
from tests.world.resolver import Resolver
from tests.world.upstream import ADDRESS

_NAME = "edns.example.org"


@pytest.fixture
def server(shared_resolver: Resolver) -> Server:
    return shared_resolver.server


def _query(kind: str = "A", edns: int = -1, **more: object) -> dns.message.Message:
    return dns.message.make_query(_NAME, kind, use_edns=edns, **more)  # type: ignore[arg-type]


def _send(
    server: Server, query: dns.message.Message, transport: Transport = "udp"
) -> dns.message.Message:
    return server.ask("", "", transport, query).message


def test_plain_dns_gets_plain_dns(server: Server) -> None:
    reply = _send(server, _query())
    assert (reply.rcode(), reply.edns) == (dns.rcode.NOERROR, -1)
    assert reply.flags & dns.flags.RA


def test_an_unknown_type_is_answered(server: Server) -> None:
    reply = _send(server, _query("TYPE1000"))
    assert reply.rcode() == dns.rcode.NOERROR
    assert not reply.answer


@pytest.mark.parametrize("flag", [dns.flags.AD, dns.flags.CD, dns.flags.AA, dns.flags.TC, 0x0040])
def test_header_flags_of_a_query_do_no_harm(server: Server, flag: int) -> None:
    query = _query()
    query.flags |= flag
    reply = _send(server, query)
    assert reply.rcode() == dns.rcode.NOERROR
    assert not reply.flags & 0x0040, "the reserved bit is never sent (RFC 8906 section 8.1.3.2)"
    assert not reply.flags & dns.flags.TC
    assert not reply.flags & dns.flags.AA


def test_an_unknown_opcode_is_not_implemented(server: Server) -> None:
    packet = bytearray(_query().to_wire())
    packet[2] = (packet[2] & 0x87) | (15 << 3)
    reply = raw.ask_udp(server, bytes(packet))
    assert reply is not None
    assert reply[:2] == packet[:2]
    assert reply[3] & 0x0F == dns.rcode.NOTIMP


def test_an_update_and_a_notify_are_not_implemented(server: Server) -> None:
    for opcode in (dns.opcode.UPDATE, dns.opcode.NOTIFY, dns.opcode.STATUS):
        packet = bytearray(_query().to_wire())
        packet[2] = (packet[2] & 0x87) | (opcode << 3)
        reply = raw.ask_udp(server, bytes(packet))
        assert reply is not None
        assert reply[3] & 0x0F == dns.rcode.NOTIMP


def test_edns_is_answered_with_edns_and_a_size_that_needs_no_fragments(server: Server) -> None:
    reply = _send(server, _query(edns=0, payload=4096))
    assert (reply.rcode(), reply.edns) == (dns.rcode.NOERROR, 0)
    assert 512 <= reply.payload <= 1400


def test_an_unknown_edns_version_is_badvers_with_ours(server: Server) -> None:
    reply = _send(server, _query(edns=1))
    assert (reply.rcode(), reply.edns) == (dns.rcode.BADVERS, 0)
    assert not reply.answer


def test_an_unknown_edns_option_is_ignored(server: Server) -> None:
    query = _query(edns=0, options=[option(100, b"x" * 9)])
    reply = _send(server, query)
    assert reply.rcode() == dns.rcode.NOERROR
    assert all(option.otype != 100 for option in reply.options)


def test_unknown_edns_flags_are_ignored_and_not_sent_back(server: Server) -> None:
    reply = _send(server, _query(edns=0, ednsflags=0x00000040))
    assert reply.rcode() == dns.rcode.NOERROR
    assert not reply.ednsflags & 0x7FFF


def test_an_unknown_version_with_unknown_flags_and_options_is_still_badvers(server: Server) -> None:
    query = _query(edns=1, ednsflags=0x40, options=[option(100, b"")])
    reply = _send(server, query)
    assert reply.rcode() == dns.rcode.BADVERS
    assert not reply.ednsflags & 0x7FFF


def test_the_do_bit_is_repeated(server: Server) -> None:
    reply = _send(server, _query(edns=0, want_dnssec=True))
    assert reply.ednsflags & dns.flags.DO


def test_two_opt_records_are_a_format_error(server: Server) -> None:
    packet = bytearray(_query(edns=0).to_wire())
    opt = bytes(packet[-11:])
    packet[11] = 2
    reply = raw.ask_udp(server, bytes(packet) + opt)
    assert reply is not None
    assert reply[3] & 0x0F == dns.rcode.FORMERR


def test_what_does_not_fit_is_truncated_on_udp_and_whole_on_tcp(server: Server) -> None:
    query = dns.message.make_query("big-1.example.org", "TXT", use_edns=0, payload=1232)
    cut = _send(server, query)
    assert cut.flags & dns.flags.TC
    assert len(cut.to_wire()) <= 1232
    whole = _send(server, query, "tcp")
    assert not whole.flags & dns.flags.TC
    assert len(whole.answer[0]) == 15


def test_without_edns_no_answer_is_longer_than_512_octets(server: Server) -> None:
    query = dns.message.make_query("big-2.example.org", "TXT")
    reply = raw.ask_udp(server, query.to_wire())
    assert reply is not None
    assert len(reply) <= 512
    assert reply[2] & 0x02, "truncated"


def test_any_gets_one_small_record(server: Server) -> None:
    reply = _send(server, dns.message.make_query("any.example.org", "ANY", use_edns=0))
    assert reply.rcode() == dns.rcode.NOERROR
    assert len(reply.answer) == 1
    assert reply.answer[0].rdtype == dns.rdatatype.HINFO


def test_the_case_of_the_question_comes_back(server: Server) -> None:
    query = dns.message.make_query("MiXeD.eXample.ORG", "A")
    reply = _send(server, query)
    assert reply.question[0].name.to_text() == "MiXeD.eXample.ORG."
    assert [item.address for item in reply.answer[0]] == [ADDRESS]


def test_the_same_question_in_another_class_is_refused(server: Server) -> None:
    packet = bytearray(_query().to_wire())
    packet[-1] = 3
    reply = raw.ask_udp(server, bytes(packet))
    assert reply is not None
    assert reply[3] & 0x0F in (dns.rcode.REFUSED, dns.rcode.NOTIMP)

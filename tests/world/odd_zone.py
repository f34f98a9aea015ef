"""Answers that are odd, wrong or very large, by the first label of the name.

==============  ==================================================================
``trailing-*``  the right answer, with octets behind it
``emptyede-*``  the right answer, with an extended error that has no code
``chainN-*``    N aliases in a row, and then the address
``cut-*``       TC, and no records
``broken-*``    an address of three octets
``bogus-*``     SERVFAIL, unless the query has CD
``formerr-*``   FORMERR to a query with EDNS
``never-*``     FORMERR to every query
``referral-*``  the names of other servers
``sizeN-*``     as many octets as N says
==============  ==================================================================
"""

from dataclasses import dataclass

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from tests.world.zone import ADDRESS, Zone


@dataclass(frozen=True)
class OddZone(Zone):
    """The zone; ``code`` is its answer to everything, where it has one."""

    code: dns.rcode.Rcode | None = None

    def replies(self, word: str, query: dns.message.Message) -> list[bytes]:
        """The messages to send for a name that begins with ``word``."""
        if self.code is not None:
            return [_failure(query, self.code)]
        if code := _code(word, query):
            return [_failure(query, code)]
        if word.startswith("chain"):
            return [_chain(query, int(word.removeprefix("chain")))]
        if word.startswith("size"):
            return [_filled(query, int(word.removeprefix("size")))]
        right = super().replies("" if word in _ODD else word, query)
        return _ODD[word](query, right[0]) if word in _ODD else right


def _code(word: str, query: dns.message.Message) -> dns.rcode.Rcode | None:
    """The code with which these names fail, if this query for one does."""
    if word == "bogus" and not query.flags & dns.flags.CD:
        return dns.rcode.SERVFAIL
    if word == "never" or (word == "formerr" and query.edns >= 0):
        return dns.rcode.FORMERR
    return None


def _trailing(_: dns.message.Message, right: bytes) -> list[bytes]:
    return [right + b"\0trailing"]


def _empty_error(query: dns.message.Message, _: bytes) -> list[bytes]:
    reply = _answer(query)
    reply.use_edns(0, options=[dns.edns.GenericOption(dns.edns.OptionType.EDE, b"")])
    return [reply.to_wire()]


def _cut(query: dns.message.Message, _: bytes) -> list[bytes]:
    reply = dns.message.make_response(query, recursion_available=True)
    reply.flags |= dns.flags.TC
    return [reply.to_wire()]


def _broken(_: dns.message.Message, right: bytes) -> list[bytes]:
    at = right.rindex(b"\x00\x04" + bytes(map(int, ADDRESS.split("."))))
    return [right[:at] + b"\x00\x03" + right[at + 2 : at + 5] + right[at + 6 :]]


def _referral(query: dns.message.Message, _: bytes) -> list[bytes]:
    reply = dns.message.make_response(query)
    servers = dns.rrset.from_text("example.org.", 300, "IN", "NS", "ns.example.net.")
    reply.authority = [servers]
    return [reply.to_wire()]


_ODD = {
    "trailing": _trailing,
    "emptyede": _empty_error,
    "cut": _cut,
    "broken": _broken,
    "referral": _referral,
}


def _answer(query: dns.message.Message) -> dns.message.Message:
    reply = dns.message.make_response(query, recursion_available=True)
    name = query.question[0].name
    reply.answer = [dns.rrset.from_text(name, 300, "IN", "A", ADDRESS)]
    return reply


def _failure(query: dns.message.Message, code: dns.rcode.Rcode) -> bytes:
    reply = dns.message.make_response(query, recursion_available=True)
    # A server that cannot read EDNS does not write it either (RFC 6891 section 7).
    reply.use_edns(False)
    reply.set_rcode(code)
    return reply.to_wire()


def _chain(query: dns.message.Message, links: int) -> bytes:
    reply = dns.message.make_response(query, recursion_available=True)
    owner = query.question[0].name
    for link in range(links):
        target = f"l{link}.example.org."
        reply.answer.append(dns.rrset.from_text(owner, 300, "IN", "CNAME", target))
        owner = reply.answer[-1][0].target
    reply.answer.append(dns.rrset.from_text(owner, 300, "IN", "A", ADDRESS))
    return reply.to_wire(max_size=65535)


def _filled(query: dns.message.Message, octets: int) -> bytes:
    """A message without OPT of exactly so many octets, in TXT records."""
    reply = dns.message.make_response(query, recursion_available=True)
    reply.use_edns(False)
    wire = bytearray(reply.to_wire())
    count = 0
    while len(wire) < octets:
        left = octets - len(wire) - 12
        data = min(left, 256) if left == min(left, 256) or left > 256 + 14 else left // 2
        text = bytes([data - 1]) + count.to_bytes(2, "big") + b"x" * (data - 3)
        wire += b"\xc0\x0c" + (16).to_bytes(2, "big") + b"\0\1" + (300).to_bytes(4, "big")
        wire += len(text).to_bytes(2, "big") + text
        count += 1
    wire[6:8] = count.to_bytes(2, "big")
    return bytes(wire)

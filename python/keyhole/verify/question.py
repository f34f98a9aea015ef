"""The octets of questions, right ones and others."""

import secrets

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.rdataclass
import dns.rdatatype

HEADER = 12


def question(
    name: str,
    kind: str = "A",
    *,
    edns: int | None = 1232,
    flags: int = 0,
    dnssec: bool = False,
    options: tuple[dns.edns.Option, ...] = (),
    qclass: str = "IN",
) -> bytes:
    """A query in octets. ``edns`` is the size in its OPT record, ``None`` for none; ``flags`` are
    set beside RD."""
    message = dns.message.make_query(
        dns.name.from_text(name),
        dns.rdatatype.from_text(kind),
        dns.rdataclass.from_text(qclass),
        use_edns=0 if edns is not None else False,
        payload=edns or 0,
        want_dnssec=dnssec,
        options=list(options),
    )
    message.flags |= flags
    return message.to_wire()


def unknown_option(code: int, data: bytes) -> dns.edns.Option:
    """An EDNS option of the range for local use (RFC 6891 section 9)."""
    return dns.edns.GenericOption(dns.edns.OptionType.make(code), data)


def several_questions(names: list[str]) -> bytes:
    """One message with a question for each name, which a library would not write."""
    one = [dns.name.from_text(name).to_wire() or b"" for name in names]
    body = b"".join(name + b"\x00\x01\x00\x01" for name in one)
    head = secrets.token_bytes(2) + b"\x01\x00" + len(names).to_bytes(2, "big") + bytes(6)
    return head + body


def in_capitals(name: str) -> str:
    """The same name to DNS (RFC 4343), in other letters."""
    return "".join(
        letter.upper() if place % 2 else letter.lower() for place, letter in enumerate(name)
    )

"""Queries over each transport with dnspython, and easy access to the parts of an answer."""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import dns.edns
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype

from tests.world.waiting import ANSWER_SECONDS

Transport = Literal["udp", "tcp", "dot", "doh"]
TRANSPORTS: tuple[Transport, ...] = ("udp", "tcp", "dot", "doh")


def option(code: int, data: bytes = b"") -> dns.edns.Option:
    """An EDNS option as raw octets, valid or not."""
    return dns.edns.GenericOption(dns.edns.OptionType.make(code), data)


@dataclass(frozen=True)
class Reply:
    """An answer as a client sees it."""

    message: dns.message.Message

    @property
    def rcode(self) -> str:
        """The response code, spelled as in RFC 1035 and its successors."""
        return dns.rcode.to_text(self.message.rcode())

    @property
    def addresses(self) -> list[str]:
        """All A and AAAA addresses, sorted."""
        return sorted(
            item.address
            for rrset in self.message.answer
            for item in rrset
            if item.rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA)
        )

    @property
    def errors(self) -> list[tuple[int, str]]:
        """The extended errors (RFC 8914): code and text."""
        return [
            (int(option.code), option.text or "")
            for option in self.message.options
            if isinstance(option, dns.edns.EDEOption)
        ]

    @property
    def verdict(self) -> tuple[str, list[str], list[tuple[int, str]]]:
        """The parts of an answer that must be equal on every transport."""
        return self.rcode, self.addresses, self.errors


@dataclass(frozen=True)
class Server:
    """The ports of a Keyhole on 127.0.0.1, and the root of its certificate.

    ``domain`` is its server name; in DoT, a token is a label in front of it.
    """

    udp: int
    tcp: int
    dot: int
    doh: int
    ca: Path
    path: str = "/dns-query"
    name: str = "127.0.0.1"
    doh_cleartext: int = 0
    mesh: int = 0
    domain: str = "resolver.example.org"

    @property
    def url(self) -> str:
        """The address of the DoH resource."""
        return f"https://127.0.0.1:{self.doh}{self.path}"

    @property
    def tls(self) -> ssl.SSLContext:
        """A context that trusts only the root of this server."""
        context = ssl.create_default_context(cafile=str(self.ca))
        context.set_alpn_protocols(["dot"])
        return context

    def ask(
        self,
        name: str,
        kind: str = "A",
        transport: Transport = "udp",
        query: dns.message.Message | None = None,
        *,
        is_proved: bool = False,
    ) -> Reply:
        """Sends one question and waits for its answer. ``is_proved`` asks over UDP as who has shown
        that the address is theirs: to others, what Keyhole answers by itself is short."""
        message = query or dns.message.make_query(name, kind, use_edns=0, payload=1232)
        if is_proved and transport == "udp":
            self.prove(message)
        return Reply(self._send(message, transport))

    def prove(self, message: dns.message.Message) -> None:
        """Adds a cookie with the server's part to a query: it comes with any answer (RFC 7873
        section 5.2), also with that to a cookie without a question (section 5.4)."""
        query = dns.message.make_query(".", "NS", use_edns=0, options=[option(10, b"8 octets")])
        query.question = []
        reply = self._send(query, "tcp")
        (cookie,) = [one.to_wire() for one in reply.options if int(one.otype) == 10]
        message.use_edns(0, payload=1232, options=[option(10, bytes(cookie or b""))])

    def _send(self, message: dns.message.Message, transport: Transport) -> dns.message.Message:
        match transport:
            case "udp":
                return dns.query.udp(message, "127.0.0.1", timeout=ANSWER_SECONDS, port=self.udp)
            case "tcp":
                return dns.query.tcp(message, "127.0.0.1", timeout=ANSWER_SECONDS, port=self.tcp)
            case "dot":
                return dns.query.tls(
                    message,
                    "127.0.0.1",
                    timeout=ANSWER_SECONDS,
                    port=self.dot,
                    ssl_context=self.tls,
                    server_hostname=self.name,
                )
            case "doh":
                trust = ssl.create_default_context(cafile=str(self.ca))
                return dns.query.https(message, self.url, timeout=ANSWER_SECONDS, verify=trust)

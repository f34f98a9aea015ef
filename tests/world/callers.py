"""Queries with an identity: a certificate, a token, or the header of a sidecar."""

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import dns.message
import httpx2

from tests.world import mesh, raw
from tests.world.ask import Reply, Server
from tests.world.certificates import Pair
from tests.world.waiting import ANSWER_SECONDS

# "1" and "2" are versions of HTTP.
WAYS = ("udp", "tcp", "dot", "doh1", "doh2", "cleartext1", "cleartext2", "mesh")
_MEDIA_TYPE = "application/dns-message"


@dataclass(frozen=True)
class Caller:
    """The identity of a client: a certificate, a token, or an identity that a sidecar asserts.
    Without all three, a client is identified by its network."""

    certificate: Pair | None = None
    token: str | None = None
    vouched: str | None = None

    def ways(self) -> tuple[str, ...]:
        """The transports that can carry this identity."""
        if self.certificate is not None:
            return ("dot", "doh1", "doh2")
        if self.token is not None:
            return ("dot", "doh1", "doh2", "cleartext1", "cleartext2")
        if self.vouched is not None:
            return ("mesh", "cleartext1", "cleartext2")
        # The mesh listener serves nobody by network.
        return tuple(way for way in WAYS if way != "mesh")


NOBODY = Caller()
Ask = Callable[[dns.message.Message], Reply]


@dataclass(frozen=True)
class Tls:
    """The TLS settings of a client; the defaults are those of a normal client."""

    newest: ssl.TLSVersion = ssl.TLSVersion.MAXIMUM_SUPPORTED

    def context(self, server: Server, caller: Caller, alpn: str | None = None) -> ssl.SSLContext:
        """Trusts only the root of the server, and presents the caller's certificate."""
        made = ssl.create_default_context(cafile=str(server.ca))
        # The server must judge what a client offers, so the library of the client must not.
        made.set_ciphers("DEFAULT:@SECLEVEL=0")
        made.minimum_version = min(made.minimum_version, self.newest)
        made.maximum_version = self.newest
        if alpn:
            made.set_alpn_protocols([alpn])
        if caller.certificate is not None:
            made.load_cert_chain(caller.certificate.certificate, caller.certificate.key)
        return made


HONEST = Tls()


def port_of(server: Server, way: str) -> int | None:
    """The TLS port of a way, or none for a way without TLS."""
    return {"dot": server.dot, "doh1": server.doh, "doh2": server.doh}.get(way)


@contextmanager
def line(server: Server, way: str, caller: Caller = NOBODY, tls: Tls = HONEST) -> Iterator[Ask]:
    """An open connection (for UDP, a socket) for queries one after another."""
    assert way in caller.ways(), f"{way} cannot carry {caller}"
    match way:
        case "udp":
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.settimeout(ANSWER_SECONDS)
                sock.connect(("127.0.0.1", server.udp))
                yield _over_datagrams(sock, server)
        case "tcp":
            with raw.tcp(server) as stream:
                yield _over(stream)
        case "mesh":
            with raw.mesh(server, mesh.header(caller.vouched)) as stream:
                yield _over(stream)
        case "dot":
            name = f"{caller.token}.{server.domain}" if caller.token else server.name
            with raw.tls(server, tls.context(server, caller, "dot"), name) as stream:
                yield _over(stream)
        case _:
            with http(server, way, caller, tls) as client:
                yield _over_http(client, server, caller)


@contextmanager
def http(
    server: Server, way: str, caller: Caller = NOBODY, tls: Tls = HONEST
) -> Iterator[httpx2.Client]:
    """A client for one version of HTTP, with or without TLS."""
    two = way.endswith("2")
    clear = way.startswith("cleartext")
    base = (
        f"http://127.0.0.1:{server.doh_cleartext}" if clear else f"https://127.0.0.1:{server.doh}"
    )
    said = {"x-forwarded-client-cert": f"Hash=00ff;URI={caller.vouched}"} if caller.vouched else {}
    with httpx2.Client(
        base_url=base,
        http1=not two,
        http2=two,
        verify=tls.context(server, caller),
        headers=said,
        trust_env=False,
        # Only the server may close an idle connection.
        limits=httpx2.Limits(keepalive_expiry=None),
        timeout=ANSWER_SECONDS,
    ) as client:
        yield client


def ask_as(
    server: Server, way: str, caller: Caller, name: str, kind: str = "A", tls: Tls = HONEST
) -> Reply:
    """One question on a connection of its own."""
    with line(server, way, caller, tls) as ask:
        return ask(dns.message.make_query(name, kind, use_edns=0, payload=1232))


def _over_datagrams(sock: socket.socket, server: Server) -> Ask:
    def ask(query: dns.message.Message) -> Reply:
        # Only who proves the address is told why in full.
        server.prove(query)
        sock.send(query.to_wire())
        return _reply(query, sock.recv(65535))

    return ask


def _over(stream: raw.Stream) -> Ask:
    def ask(query: dns.message.Message) -> Reply:
        stream.send(query.to_wire())
        octets = stream.receive()
        if octets is None:
            raise EOFError("the server closed the connection")
        return _reply(query, octets)

    return ask


def _over_http(client: httpx2.Client, server: Server, caller: Caller) -> Ask:
    path = f"{server.path}/{caller.token}" if caller.token else server.path

    def ask(query: dns.message.Message) -> Reply:
        response = client.post(path, content=query.to_wire(), headers={"content-type": _MEDIA_TYPE})
        assert response.status_code == 200, response
        return _reply(query, response.content)

    return ask


def _reply(query: dns.message.Message, octets: bytes) -> Reply:
    message = dns.message.from_wire(octets)
    assert query.is_response(message), message
    # A resolver must keep the case of the question: some clients vary it and compare.
    assert [q.name.labels for q in message.question] == [q.name.labels for q in query.question]
    return Reply(message)

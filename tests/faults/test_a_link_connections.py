"""Section A, security: who may hold a connection of the link, and for how long."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from ipaddress import ip_network
from pathlib import Path
from typing import Any, cast

import pytest

from keyhole.http import network_protocol
from keyhole.http.connection_limiter import OnRefused
from keyhole.http.refused_handshakes import RefusedHandshakes
from keyhole.identity import Authority, CertificateSpec
from keyhole.identity.revoked import Targets, revoke
from keyhole.link import application as routes
from keyhole.link.application import RemoteEngineService
from keyhole.link.message import COUNTS, EVENTS, OFFER, POLL
from keyhole.link.network import NetworkLink, Setup
from keyhole.link.remote_peer import Offer, RemotePeer
from keyhole.model.address import Endpoint

DOMAIN = "keyhole.internal"
BERLIN = f"spiffe://{DOMAIN}/ns/engines/sa/berlin"
PHONE = f"spiffe://{DOMAIN}/ns/home/sa/phone"
NETWORK = ip_network("127.0.0.0/8")


class _Snapshots:
    """Offers one snapshot."""

    offer = Offer("abc", 3, b"x" * 200_000, None, "", ())


def _tls(folder: Path, tmp_path: Path, spiffe: str) -> ssl.SSLContext:
    authority = Authority.open(folder, domain=DOMAIN)
    chain, key = authority.issue(CertificateSpec.svid(spiffe))
    (tmp_path / "svid.pem").write_bytes(chain)
    (tmp_path / "svid-key.pem").write_bytes(key)
    tls = ssl.create_default_context(cafile=str(authority.root))
    tls.load_cert_chain(tmp_path / "svid.pem", tmp_path / "svid-key.pem")
    return tls


def _serve(
    folder: Path,
    client: Callable[[int], Awaitable[bytes]],
    on_refused: OnRefused | None = None,
) -> tuple[bytes, list[str]]:
    """What the client returns, and what the operator was told."""
    told: list[str] = []

    async def once() -> bytes:
        link = NetworkLink(
            Setup(folder, DOMAIN, (Endpoint("127.0.0.1", 0),), (), (NETWORK,)),
            {BERLIN: RemotePeer(BERLIN)},
            cast(RemoteEngineService, _Snapshots()),
            told.append,
            lambda text, _: told.append(text),
            on_refused,
        )
        await link.start()
        try:
            async with asyncio.timeout(30):
                return await client(int(link.addresses[0].rpartition(":")[2]))
        finally:
            await link.stop()

    return asyncio.run(once()), told


def _until_closed(tls: ssl.SSLContext) -> Callable[[int], Awaitable[bytes]]:
    async def client(port: int) -> bytes:
        try:
            reader, _ = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
            return await reader.read()
        except ConnectionError:
            return b""

    return client


@pytest.mark.parametrize("spiffe", [PHONE, BERLIN])
def test_whoever_is_no_engine_or_is_revoked_holds_no_connection_of_the_link(
    tmp_path: Path, spiffe: str
) -> None:
    """A8: without a request, too; the log says who it was."""
    folder = tmp_path / "identity"
    tls = _tls(folder, tmp_path, spiffe)
    if spiffe == BERLIN:
        revoke(folder, Targets(identities=frozenset({BERLIN})))
    found, told = _serve(folder, _until_closed(tls))
    assert found == b""
    assert told == [
        f"{PHONE} is not in link.engines" if spiffe == PHONE else f"{BERLIN} is revoked"
    ]


def test_however_often_a_revoked_engine_comes_it_does_not_fill_the_log(tmp_path: Path) -> None:
    folder = tmp_path / "identity"
    tls = _tls(folder, tmp_path, BERLIN)
    revoke(folder, Targets(identities=frozenset({BERLIN})))
    connect = _until_closed(tls)

    async def often(port: int) -> bytes:
        return b"".join([await connect(port) for _ in range(20)])

    refused = RefusedHandshakes(list[str]().append)
    assert _serve(folder, often, refused.of("link")) == (b"", [f"{BERLIN} is revoked"])
    # E2: and each of them is counted.
    assert [(one.listener, one.count) for one in refused.counts()] == [("link", 20)]


def test_an_engine_that_sends_no_request_loses_its_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A8: the header of the first request has a time, as at the API."""
    monkeypatch.setattr(network_protocol, "HEADER_SECONDS", 0.05)
    folder = tmp_path / "identity"
    assert _serve(folder, _until_closed(_tls(folder, tmp_path, BERLIN))) == (b"", [])


def test_an_engine_gets_a_snapshot_in_parts_and_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A8: the limit for clients that do not read applies to a part, not to a whole snapshot."""
    folder = tmp_path / "identity"
    tls = _tls(folder, tmp_path, BERLIN)
    sizes: list[int] = []
    original = routes._pieces

    async def counted(octets: bytes, check: Callable[[], object]) -> Any:
        async for piece in original(octets, check):
            sizes.append(len(piece))
            yield piece

    monkeypatch.setattr(routes, "_pieces", counted)

    async def client(port: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
        head = "HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        writer.write(f"GET {OFFER}/abc/snapshot {head}".encode())
        header = await reader.readuntil(b"\r\n\r\n")
        assert b"content-length: 200000\r\n" in header.lower()
        return await reader.read()

    assert _serve(folder, client) == (_Snapshots.offer.snapshot, [])
    assert len(sizes) > 1


def test_a_download_of_a_snapshot_ends_when_its_engine_is_revoked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A7: as that of the lists does, however slowly it is read."""
    monkeypatch.setattr(routes, "CHECK_SECONDS", 0.0)
    folder = tmp_path / "identity"
    tls = _tls(folder, tmp_path, BERLIN)
    original = routes._pieces

    async def revoked(octets: bytes, check: Callable[[], object]) -> Any:
        async for piece in original(octets, check):
            yield piece
            revoke(folder, Targets(identities=frozenset({BERLIN})))

    monkeypatch.setattr(routes, "_pieces", revoked)

    async def client(port: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
        head = "HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        writer.write(f"GET {OFFER}/abc/snapshot {head}".encode())
        await reader.readuntil(b"\r\n\r\n")
        return await reader.read()

    found, told = _serve(folder, client)
    assert 0 < len(found) < len(_Snapshots.offer.snapshot)
    assert f"{BERLIN} is revoked" in told


@pytest.mark.parametrize(
    ("path", "body"),
    [(f"{EVENTS}?spool={'0' * 16}&offset=3", b"{}\n"), (COUNTS, b"{}\n"), (POLL, b"{}")],
)
def test_what_a_revoked_engine_had_begun_to_send_is_not_taken(
    tmp_path: Path, path: str, body: bytes
) -> None:
    """A7, A12: a slow body must not be the way past a revocation."""
    folder = tmp_path / "identity"
    tls = _tls(folder, tmp_path, BERLIN)

    async def client(port: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
        length = f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n{length}"
        writer.write(head.encode())
        # The route reads the body, so it has asked who this is.
        await reader.readuntil(b"100 Continue\r\n\r\n")
        revoke(folder, Targets(identities=frozenset({BERLIN})))
        writer.write(body)
        return await reader.readline()

    found, told = _serve(folder, client)
    assert b" 403 " in found
    assert told == [f"{BERLIN} is revoked"]


async def _begin(port: int, tls: ssl.SSLContext, path: str) -> asyncio.StreamReader:
    """A request whose body does not come, of which the route has begun to read it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
    writer.write(f"{head}Content-Length: 9\r\n\r\n".encode())
    _WRITERS.append(writer)
    return reader


_WRITERS: list[asyncio.StreamWriter] = []


@pytest.mark.parametrize("path", [POLL, f"{EVENTS}?spool={'0' * 16}&offset=3", COUNTS])
def test_a_body_of_an_engine_has_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """A8, A9: sent octet by octet it held its place, and what had come of it, for ever."""
    monkeypatch.setattr(routes, "BODY_SECONDS", 0.05)
    folder = tmp_path / "identity"
    tls = _tls(folder, tmp_path, BERLIN)

    async def client(port: int) -> bytes:
        reader = await _begin(port, tls, path)
        await reader.readuntil(b"100 Continue\r\n\r\n")
        return await reader.readuntil(b"}")

    found, _ = _serve(folder, client)
    assert b" 400 " in found
    assert b"did not come within" in found
    _WRITERS.clear()


def test_an_engine_sends_few_bodies_at_once_and_polls_all_the_same(tmp_path: Path) -> None:
    """A9: 64 connections with 32 MiB each would fill the memory of control."""
    folder = tmp_path / "identity"
    tls = _tls(folder, tmp_path, BERLIN)

    async def client(port: int) -> bytes:
        for _ in range(routes.MAX_BODIES):
            reader = await _begin(port, tls, COUNTS)
            await reader.readuntil(b"100 Continue\r\n\r\n")
        refused = await (await _begin(port, tls, COUNTS)).readuntil(b"}")
        return refused + await (await _begin(port, tls, POLL)).readuntil(b"\r\n")

    found, _ = _serve(folder, client)
    assert b"are being sent already" in found
    assert found.endswith(b"100 Continue\r\n")
    _WRITERS.clear()

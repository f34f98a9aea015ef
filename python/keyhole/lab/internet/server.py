"""The upstream as a process: certificate, socket, ready file, shutdown."""

import asyncio
import json
import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from keyhole.control.shutdown import end_on_signals
from keyhole.identity import Authority, CertificateSpec
from keyhole.lab.internet.doh import PATH, DohConnection
from keyhole.lab.internet.dot import StreamConnection
from keyhole.lab.internet.mode import Mode
from keyhole.lab.internet.service import Service
from keyhole.system import durable

NAME = "internet.example.net"


@dataclass(frozen=True)
class Settings:
    """Settings of one upstream. ``protocol`` is ``doh``, ``dot`` or ``tcp``; port 0 takes a free
    port; ``identity`` is the folder of the authority, created when it is missing."""

    protocol: str
    host: str
    port: int
    mode: Mode
    delay: float
    identity: Path
    ready_file: Path | None
    log: Path | None


async def serve(settings: Settings) -> None:
    """Serves until SIGTERM or SIGINT."""
    end = end_on_signals()
    authority = Authority.open(settings.identity, "Keyhole lab root")
    listener = _listener(settings)
    service = Service(settings.mode, settings.delay, settings.log)
    server = await _start(settings, service, listener, authority)
    _report_ready(settings, listener.getsockname()[1], authority.root)
    await end.wait()
    if server is not None:
        server.close()


async def _start(
    settings: Settings, service: Service, listener: socket.socket, authority: Authority
) -> asyncio.Server | None:
    loop = asyncio.get_running_loop()
    if settings.mode is Mode.REFUSE:
        return None  # bound but not listening: the kernel refuses each connection
    if settings.mode is Mode.BLACK_HOLE:
        return await loop.create_server(asyncio.Protocol, sock=listener)
    if settings.protocol == "doh":
        tls = _tls(authority, settings.mode, "h2")
        return await loop.create_server(lambda: DohConnection(service), sock=listener, ssl=tls)
    dot = settings.protocol == "dot"
    return await loop.create_server(
        lambda: StreamConnection(service, settings.protocol),
        sock=listener,
        ssl=_tls(authority, settings.mode, "dot") if dot else None,
    )


def _listener(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((settings.host, settings.port))
    return listener


def _tls(authority: Authority, mode: Mode, protocol: str) -> ssl.SSLContext:
    """TLS 1.2 and 1.3, with the valid or invalid certificate of the mode."""
    now = datetime.now(UTC)
    names = ("another.example.net",) if mode is Mode.WRONG_NAME else (NAME,)
    addresses = () if mode is Mode.WRONG_NAME else ("127.0.0.1", "::1")
    signer = authority
    if mode is Mode.WRONG_CERTIFICATE:
        signer = Authority.open(authority.folder / "stranger", "A stranger's root")
    issued_at = now
    if mode is Mode.EXPIRED_CERTIFICATE:
        issued_at = now - timedelta(minutes=50)  # the root is backdated by one hour
    life = timedelta(minutes=40) if mode is Mode.EXPIRED_CERTIFICATE else timedelta(days=30)
    certificate, key = signer.issue(CertificateSpec(names, addresses, life), issued_at)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols([protocol])
    _load(context, authority.folder, certificate + key)
    return context


def _load(context: ssl.SSLContext, folder: Path, pem: bytes) -> None:
    # The ssl module reads certificates only from files.
    path = folder / f".internet-{id(context)}.pem"
    path.touch(mode=0o600)
    try:
        path.write_bytes(pem)
        context.load_cert_chain(path)
    finally:
        path.unlink()


def _report_ready(settings: Settings, port: int, root: Path) -> None:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    ready = {
        "address": f"{host}:{port}",
        "port": port,
        "protocol": settings.protocol,
        "mode": settings.mode.value,
        "server_name": NAME,
        "path": PATH if settings.protocol == "doh" else "",
        "ca": str(root.resolve()),
    }
    if settings.ready_file is None:
        print(json.dumps(ready), flush=True)
        return
    durable.write_json(settings.ready_file, ready, durable.SHARED_FILE)

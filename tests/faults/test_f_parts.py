"""Section F (F1): a part that cannot start costs no DNS, says why, and is tried again."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.world.ports import free_port
from tests.world.resolver import Resolver
from tests.world.upstream import Upstream


def _settings(part: str, port: int) -> dict[str, Any]:
    listen = [f"127.0.0.1:{port}"]
    link = {"listen": listen, "engines": ["engines/berlin"], "clients": ["127.0.0.0/8"]}
    return {"link": link} if part == "link" else {part.lower(): {"listen": listen}}


@contextmanager
def _taken(port: int) -> Iterator[None]:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        yield


def _connects(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def _status(resolver: Resolver) -> str:
    return " ".join(resolver.command("status").stdout.split())


def _start(resolver: Resolver, upstream: Upstream) -> None:
    resolver.write(resolver.upstream(upstream.port))
    resolver.start()
    resolver.wait_for_api()


@pytest.mark.parametrize("part", ["enrollment", "link", "API"])
def test_a_part_whose_port_is_taken_at_the_first_start_costs_no_dns_and_listens_later(
    resolver: Resolver, upstream: Upstream, part: str
) -> None:
    """F1: where no engine runs yet, too."""
    port = free_port()
    resolver.configure(**_settings(part, port))
    with _taken(port):
        _start(resolver, upstream)
        assert resolver.server.ask("www.example.org").rcode == "NOERROR"
        resolver.wait_for(lambda: f"{part}: failed" in _status(resolver), "status says it")
        said = _status(resolver)
        assert f"cannot listen on 127.0.0.1:{port}" in said
        assert f"{part.lower()}.listen" in said
    resolver.wait_for(lambda: _connects(port), "it listens")
    resolver.wait_for(lambda: f"{part}: failed" not in _status(resolver), "it is well again")


@pytest.mark.parametrize("part", ["enrollment", "link", "API"])
def test_a_part_whose_certificate_cannot_be_read_costs_no_dns_and_serves_later(
    resolver: Resolver, upstream: Upstream, part: str
) -> None:
    """F1: its file is damaged, and mended while Keyhole runs."""
    port = free_port()
    settings = _settings(part, port)
    files = [resolver.folder / "identity" / f"{part}-key.pem"]
    if part == "API":
        files = [resolver.folder / "api.pem", resolver.folder / "api-key.pem"]
        tls = {"certificate": "api.pem", "key": "api-key.pem"}
        settings["api"] = {**settings["api"], "tls": tls}
    for file in files:
        file.parent.mkdir(mode=0o700, exist_ok=True)
        file.mkdir() if part != "API" else file.write_text("no certificate")
    resolver.configure(**settings)
    _start(resolver, upstream)
    assert resolver.server.ask("www.example.org").rcode == "NOERROR"
    resolver.wait_for(lambda: f"{part}: failed" in _status(resolver), "status says it")
    _mend(resolver, part, files)
    resolver.wait_for(lambda: f"{part}: failed" not in _status(resolver), "it is well again")
    resolver.wait_for(lambda: _connects(port), "it listens")


def _mend(resolver: Resolver, part: str, files: list[Any]) -> None:
    pair = resolver.authority.issue("127.0.0.1")
    for file, source in zip(files, (pair.certificate, pair.key), strict=False):
        if part == "API":
            file.write_bytes(source.read_bytes())
            file.chmod(0o600)
        else:
            file.rmdir()

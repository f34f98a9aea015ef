"""Clients of the API over the network: a browser, a program, an attacker."""

import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from tests.world.no_tls import NO_TLS
from tests.world.resolver import Resolver

HEADER = {"x-keyhole-request": "test"}
PASSWORD = "a fine long password"


class Browser:
    """Keeps cookies, and sends the header that Keyhole's own pages send."""

    def __init__(self, url: str, root: Path | None = None) -> None:
        self.url = url
        self.client = httpx2.Client(
            base_url=f"{url}/api/v1",
            headers=HEADER,
            trust_env=False,
            timeout=30,
            verify=ssl.create_default_context(cafile=root) if root else NO_TLS,
        )

    def ask(self, method: str, path: str, **request: Any) -> httpx2.Response:
        """One request below ``/api/v1``."""
        return self.client.request(method, path, **request)

    def log_in(self, name: str, password: str, **more: Any) -> httpx2.Response:
        """Tries to log in."""
        return self.ask("POST", "/session", json={"name": name, "password": password, **more})

    def close(self) -> None:
        """Closes the connections."""
        self.client.close()


@contextmanager
def browser(url: str, root: Path | None = None) -> Iterator[Browser]:
    """A browser without cookies; ``root`` is the certificate that it trusts."""
    one = Browser(url, root)
    try:
        yield one
    finally:
        one.close()


def one_time_password(resolver: Resolver) -> str:
    """The password that ``keyhole up`` prints at its first run."""
    pattern = r"log in as admin with (\S+)"
    resolver.wait_for(lambda: re.search(pattern, resolver.program.output), "a password is shown")
    found = re.search(pattern, resolver.program.output)
    assert found is not None
    return found[1]


def set_up(resolver: Resolver, url: str) -> Browser:
    """Does the first login; gives the browser of an administrator."""
    one = Browser(url)
    password = one_time_password(resolver)
    resolver.wait_for_api()
    assert one.log_in("admin", password).status_code == 200
    assert one.ask("PUT", "/session/password", json={"new": PASSWORD}).status_code == 200
    return one


def exchange(port: int, request: bytes, source: str = "127.0.0.1") -> bytes:
    """Sends octets unchanged; gives everything received until the other side closes."""
    where = ("127.0.0.1", port)
    with socket.create_connection(where, 30, source_address=(source, 0)) as sock:
        sock.sendall(request)
        answer = bytearray()
        while chunk := _receive(sock):
            answer += chunk
        return bytes(answer)


def _receive(sock: socket.socket) -> bytes:
    try:
        return sock.recv(65_536)
    except ConnectionResetError:
        return b""

"""Somebody with the certificate of an engine, who sends to the link what they like."""

import http.client
import json
import socket
import ssl
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from keyhole.link.message import EVENTS
from tests.world.fleet import Fleet
from tests.world.process import call_keyhole


class Engine:
    """Somebody with the certificate of an engine, who sends what they like."""

    def __init__(self, fleet: Fleet, name: str, folder: Path) -> None:
        self._port = fleet.port
        fleet.control.wait_for(self._listens, "the link listens")
        done = call_keyhole(
            *("identity", "issue", name, "--out", str(folder), "--data", str(fleet.control.folder))
        )
        assert done.returncode == 0, done.stderr
        self._tls = ssl.create_default_context(cafile=str(folder / "bundle.pem"))
        self._tls.load_cert_chain(folder / "svid.pem", folder / "svid-key.pem")

    def _listens(self) -> bool:
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", self._port), timeout=5).close()
            return True
        return False

    def send(self, path: str, body: bytes) -> tuple[int, str]:
        """The status and the body of the answer to a POST."""
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self._port, timeout=30, context=self._tls
        )
        try:
            connection.request("POST", path, body)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def deliver(self, spool: str, *lines: dict[str, Any], offset: int = 100) -> tuple[int, str]:
        """Delivers a piece of a query log."""
        where = urlencode({"spool": spool, "offset": offset})
        return self.send(
            f"{EVENTS}?{where}", b"".join(json.dumps(one).encode() + b"\n" for one in lines)
        )

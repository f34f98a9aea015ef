"""A real Jaeger, where it was built."""

import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx2
import pytest

from tests.world.no_tls import NO_TLS
from tests.world.ports import free_port
from tests.world.waiting import PATIENCE, until
from tools.jaeger import arguments, binary, find

needs_jaeger = pytest.mark.skipif(
    find() is None, reason=f"Jaeger is not in {binary().parent}; ./dev test-tools builds it once"
)


class Jaeger:
    """One Jaeger with its storage in memory; a context manager."""

    def __init__(self, log: Path) -> None:
        self._otlp, self._query, self._admin = free_port(), free_port(), free_port()
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it receives OTLP over HTTP."""
        return f"http://127.0.0.1:{self._otlp}"

    def get(self, path: str, **parameters: str | int) -> Any:
        """``data`` of an answer of its query API; ``None`` while there is none."""
        url = f"http://127.0.0.1:{self._query}/api/{path}"
        found = httpx2.get(url, params=parameters, timeout=20, trust_env=False, verify=NO_TLS)
        return found.json()["data"] if found.status_code == httpx2.codes.OK else None

    def __enter__(self) -> Self:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                arguments(self._otlp, self._query, self._admin), stdout=log, stderr=log
            )
        try:
            until(self._is_ready, "Jaeger is ready")
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def _is_ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self._log.read_text()
        try:
            found = httpx2.get(
                f"http://127.0.0.1:{self._admin}/", timeout=20, trust_env=False, verify=NO_TLS
            )
        except httpx2.HTTPError:
            return False
        return found.status_code == httpx2.codes.OK

    def _stop(self) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait(PATIENCE)

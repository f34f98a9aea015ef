"""One download: a conditional request, with limits, written atomically."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpcore2

from keyhole import __version__
from keyhole.lists.download.addresses import AddressGuard
from keyhole.lists.download.body import ListWriter, decompressed
from keyhole.lists.download.connect import download_context, pool
from keyhole.lists.download.error import DownloadError
from keyhole.model.units import MIB
from keyhole.model.url import read_list_url
from keyhole.system import durable

MAX_REDIRECTS = 5
IDLE_SECONDS = 30.0
_REDIRECTS = (301, 302, 303, 307, 308)
_MAX_TAG = 1_024

Progress = Callable[[int, int | None], None]
"""Called from a thread with the octets received, and the total if it is known."""


@dataclass(frozen=True)
class Limits:
    """Limits of a download: octets after decompression, and seconds in total."""

    octets: int = 256 * MIB
    seconds: float = 300.0


@dataclass(frozen=True)
class FetchResult:
    """The result of a download; ``sha256`` is none where the list has not changed (HTTP 304)."""

    sha256: str | None
    octets: int
    etag: str | None
    modified: str | None


def fetch(
    url: str,
    target: Path,
    guard: AddressGuard,
    *,
    limits: Limits | None = None,
    ca: Path | None = None,
    etag: str | None = None,
    modified: str | None = None,
    progress: Progress | None = None,
) -> FetchResult:
    """Downloads ``url`` into the file ``target``, which appears only after success.

    ``etag`` and ``modified`` belong to the present version; the server may answer that it is
    current. Raises `DownloadError`, and ``OSError`` where the file cannot be written. Blocks.
    """
    return _Download(target, guard, limits or Limits(), ca, progress).run(url, etag, modified)


class _Download:
    def __init__(
        self,
        target: Path,
        guard: AddressGuard,
        limits: Limits,
        ca: Path | None,
        progress: Progress | None,
    ) -> None:
        self._target = target
        self._guard = guard
        self._limits = limits
        self._ca = ca
        self._progress = progress
        self._end = time.monotonic() + limits.seconds

    def run(self, url: str, etag: str | None, modified: str | None) -> FetchResult:
        conditions = {"if-none-match": etag, "if-modified-since": modified}
        headers = {key: value for key, value in conditions.items() if value is not None}
        for _ in range(MAX_REDIRECTS + 1):
            found = self._request(url, headers)
            if isinstance(found, FetchResult):
                return found
            url = _next(url, found)
        raise DownloadError(f"more than {MAX_REDIRECTS} redirects")

    def _request(self, url: str, conditions: dict[str, str]) -> FetchResult | str:
        """The result, or the location of a redirect."""
        headers = {
            "host": urlsplit(url).netloc,
            "user-agent": f"keyhole/{__version__}",
            "accept": "text/plain, */*;q=0.1",
            "accept-encoding": "gzip",
            **conditions,
        }
        timeouts = dict.fromkeys(("connect", "read", "write", "pool"), IDLE_SECONDS)
        try:
            with (
                pool(self._guard, download_context(self._ca)) as connections,
                connections.stream(
                    "GET", url, headers=list(headers.items()), extensions={"timeout": timeouts}
                ) as response,
            ):
                return self._receive(response)
        except httpcore2.TimeoutException:
            raise DownloadError(f"the server was silent for {IDLE_SECONDS:g} seconds") from None
        except (httpcore2.NetworkError, httpcore2.ProtocolError) as error:
            raise DownloadError(f"the connection failed: {error}") from error

    def _receive(self, response: httpcore2.Response) -> FetchResult | str:
        headers = {
            key.decode("latin-1").lower(): value.decode("latin-1")
            for key, value in response.headers
        }
        etag, modified = _tag(headers.get("etag")), _tag(headers.get("last-modified"))
        if response.status == 304:
            return FetchResult(None, 0, etag, modified)
        if response.status in _REDIRECTS and "location" in headers:
            return headers["location"]
        if response.status != 200:
            raise DownloadError(f"the server answered with HTTP {response.status}")
        if "html" in headers.get("content-type", "").lower():
            raise DownloadError("it is a web page, not a list")
        sha256, octets = self._write(response, headers)
        return FetchResult(sha256, octets, etag, modified)

    def _write(self, response: httpcore2.Response, headers: dict[str, str]) -> tuple[str, int]:
        coding = headers.get("content-encoding", "identity").strip().lower()
        if coding not in ("gzip", "identity"):
            raise DownloadError(f"its content encoding is {coding}, which was not requested")
        total = headers.get("content-length", "")
        chunks = self._chunks(response, int(total) if total.isdecimal() else None)
        with durable.replacing(self._target) as file:
            writer = ListWriter(file, self._limits.octets)
            plain = decompressed(chunks, self._limits.octets) if coding == "gzip" else chunks
            for chunk in plain:
                writer.write(chunk)
            writer.end()
        return writer.sha256, writer.octets

    def _chunks(self, response: httpcore2.Response, total: int | None) -> Iterator[bytes]:
        seen = 0
        for chunk in response.iter_stream():
            seen += len(chunk)
            if time.monotonic() > self._end:
                raise DownloadError(
                    f"it took longer than {self._limits.seconds:g} seconds (downloads.time)"
                )
            if self._progress is not None:
                self._progress(seen, total)
            yield chunk


def _next(url: str, location: str) -> str:
    """The target of a redirect; raises `DownloadError` where it is not allowed."""
    try:
        target = read_list_url(urljoin(url, location).partition("#")[0])
    except ValueError as error:
        raise DownloadError(f"it was redirected to an invalid URL: {error}") from None
    if url.startswith("https:") and target.startswith("http:"):
        raise DownloadError("it was redirected from https to http, which is not secure")
    return target


def _tag(value: str | None) -> str | None:
    return value if value is not None and len(value) <= _MAX_TAG else None

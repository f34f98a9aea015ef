"""A typed interface to the native core; its errors become Keyhole errors."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

from keyhole import _core
from keyhole.errors import KeyholeError
from keyhole.model.engine_stats import EngineStats, QueryCountStats
from keyhole.system.regular_file import read_regular

MAX_PEM = 1 << 20

Document = Mapping[str, Any]
"""A JSON document for the core."""


class Refusal(KeyholeError):  # noqa: N818  (says what happened, as the protocol does)
    """The core refused a document, a socket or a file.

    ``path`` is the place in the document, or empty if the cause is not a document; ``why`` says
    what is wrong and what would be right.
    """

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path}: {why}" if path else why)
        self.path = path
        self.why = why


class EventBatch(NamedTuple):
    """Events that were taken from the core together."""

    lines: bytes = b""
    """JSON lines, and a last line ``{"lost": n}`` if events were dropped. The fields of a line are
    described in ``keyhole.querylog``."""
    events: int = 0
    """How many of the lines hold events."""
    lost: int = 0
    """How many events were dropped since the last call."""
    own: bytes = b""
    """The lines of Keyhole's own queries."""


class Runtime:
    """One engine: listeners, cache, upstreams and the active policy."""

    def __init__(self, options: Document) -> None:
        """Reads the options; raises `Refusal` if they are not valid."""
        with _refusals():
            self._engine = _core.Engine(_dump(options))

    def start(self) -> dict[str, list[str]]:
        """Binds every address, starts the workers, returns the addresses by transport."""
        with _refusals():
            return _load(self._engine.start())

    def drain(self, seconds: float) -> None:
        """Stops listening; ends all threads when open queries are done, or after ``seconds``."""
        self._engine.drain(seconds)

    def commit(self, snapshot: bytes) -> int:
        """Checks and activates a snapshot; returns its number. Raises `Refusal`, and changes
        nothing, if it is not valid."""
        with _refusals():
            prepared = self._engine.prepare(snapshot)
            self._engine.commit(prepared)
            return prepared.number

    def install_identity(self, name: str, certificate: Path, key: Path) -> None:
        """Reads a certificate chain and its key (PEM) and installs them under ``name``."""
        try:
            pems = read_regular(certificate, MAX_PEM), read_regular(key, MAX_PEM)
        except OSError as error:
            raise Refusal("", f"cannot read {error.filename}: {error.strerror}") from error
        with _refusals(f"{certificate}"):
            self._engine.install_identity(name, *pems)

    def take_events(self, most: int, seconds: float) -> EventBatch:
        """At most ``most`` events; waits at most ``seconds`` for the first one."""
        return EventBatch(*self._engine.take_events(most, seconds))

    def take_traces(self, most: int) -> bytes:
        """At most ``most`` queries chosen for traces, as many that are traced in any case, and as
        many that were turned away, as JSON lines; never waits. The fields are described in
        ``keyhole.traces``."""
        return self._engine.take_traces(most)

    def query_counts(self) -> QueryCountStats:
        """How many queries have ended, and why: a part of `stats` that takes far less time."""
        return cast(QueryCountStats, _load(self._engine.query_counts()))

    def stats(self) -> EngineStats:
        """All counters."""
        return cast(EngineStats, _load(self._engine.stats()))


def explain(
    snapshot: bytes,
    name: str,
    kind: str,
    transport: str = "udp",
    *,
    who: Document | None = None,
    expired: bool = False,
    at: int | None = None,
    lookup: bool = False,
    identities: Sequence[Document] = (),
) -> dict[str, Any]:
    """Runs a query through the stages and returns each step.

    With ``lookup``, an upstream is asked as by the engine, which shows what the name leads to;
    otherwise none is. ``identities`` are the certificates for upstreams that ask for one: ``name``,
    ``certificate`` and ``key``, both PEM.
    ``who`` is the client: ``{"identity": "spiffe://..."}``, ``{"token": name}`` or
    ``{"address": ...}``; ``None`` is an anonymous client on this machine. ``expired``: its
    certificate has expired. ``at``: the Unix time in seconds for schedules; ``None`` is now.
    """
    query = {"name": name, "type": kind, "transport": transport}
    with _refusals():
        more = {"at": at, "lookup": lookup, "identities": list(identities)}
        request = _dump({**query, "as": who, "expired": expired, **more})
        return _load(_core.explain(snapshot, request))


def judge(snapshot: bytes, questions: Sequence[Document]) -> list[dict[str, Any]]:
    """Evaluates many queries under one snapshot, without asking an upstream.

    A query has the fields of the document for the core's ``explain``: ``name``, ``type``,
    ``transport``, ``as``, ``expired`` and ``at``. A verdict has ``outcome``, ``reason``,
    ``policy``, ``cause`` and ``observed``. Raises `Refusal` with the place of the first query
    that is not valid, such as ``queries[7].name``.
    """
    with _refusals():
        verdicts: list[dict[str, Any]] = json.loads(
            _core.judge(snapshot, json.dumps(list(questions)).encode())
        )
        return verdicts


def replay(request: Document, queries: bytes) -> dict[str, Any]:
    """Replays captured queries against the budgets of names; nothing is asked and nothing sent.

    ``request`` has ``alert``, ``throttle``, ``block``, ``day`` and ``shipped``; ``queries`` is a
    line for each query: seconds, client, name and type, with tabs between. The report is documented
    in ``crates/core/src/replay.rs``.
    """
    with _refusals():
        return _load(_core.replay(_dump(request), queries))


def compile_list(request: bytes) -> bytes:
    """Compiles list files; request and report are documented in ``crates/lists``."""
    with _refusals():
        return _core.compile_list(request)


def search_list(request: bytes) -> bytes:
    """Finds every entry of a compiled file that matches a name."""
    with _refusals():
        return _core.search_list(request)


def catalogue() -> dict[str, Any]:
    """The core's fixed tables by name: ``reasons``, ``outcomes``, ``stages``, ``transports``,
    ``record_types``, ``list_formats``, ``certificate_refusals``, ``handshake_failures``,
    ``mesh_handshakes``, ``upstream_errors``, ``counters`` and ``versions``."""
    return _load(_core.catalogue())


class _refusals:  # noqa: N801  (reads as a statement where it is used)
    """Turns the core's exceptions into `Refusal`, with ``place`` before an empty path."""

    def __init__(self, place: str = "") -> None:
        self._place = place

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, _core.InvalidError):
            path, why = error.args
            raise Refusal(self._place or path, why) from None
        if isinstance(error, _core.CoreError):
            raise Refusal(self._place, str(error)) from None


def _dump(document: Document) -> bytes:
    return json.dumps(document).encode()


def _load(document: bytes) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(document)
    return fields

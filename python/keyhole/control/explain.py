"""The use case behind ``keyhole explain``."""

import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from keyhole.config.files import MAX_FILE
from keyhole.control.compile import compile_all
from keyhole.control.data_folder import DataFolder
from keyhole.control.error import ControlError, InvalidError
from keyhole.control.lists import existing_settings
from keyhole.control.reconciler import Reconciler
from keyhole.control.settings import read_settings
from keyhole.engine import explain
from keyhole.engine.launch import Identity
from keyhole.model.idn import fold
from keyhole.system.regular_file import read_regular

_EXPIRED = "expired:"
MAX_AT_ONCE = 2
"""Queries that are explained at the same time: each loads the whole snapshot."""
WAIT_SECONDS = 5.0


@dataclass(frozen=True)
class Client:
    """The client of a query, in the form of the engine."""

    who: dict[str, str] | None = None
    """None means a client on this machine without credentials."""
    expired: bool = False


def explain_name(
    data: DataFolder,
    name: str,
    kind: str,
    transport: str,
    *,
    who: str | None = None,
    at: str | None = None,
    config: Path | None = None,
    documents: Path | None = None,
    lookup: bool | None = None,
) -> dict[str, Any]:
    """Compiles the documents on the disk and explains the decision on a question.

    ``lookup``: whether an upstream is asked, to see what the name leads to. By default only with
    the documents in force: a draft may name upstreams that nobody has checked.
    `read_client` and `read_time` define ``who`` and ``at``. Raises ``DocumentErrors`` if the
    documents are not valid, ``ControlError`` if there is no settings file, and ``Refusal`` for an
    invalid name or type.
    """
    client = read_client(who) if who is not None else Client()
    moment = read_time(at) if at is not None else None
    settings = read_settings(existing_settings(data, config))
    with tempfile.TemporaryDirectory(prefix="keyhole-explain-") as folder:
        # A draft must not change the list state of the running Keyhole.
        scratch = DataFolder(Path(folder)) if documents else data
        scratch.make()
        compiled = compile_all(
            settings,
            scratch,
            documents=documents,
            identity=data.identity,
            downloads=data.state,
        )
        looks_up = documents is None if lookup is None else lookup
        return explain(
            compiled.octets,
            fold(name),
            kind.upper(),
            transport,
            who=client.who,
            expired=client.expired,
            at=moment,
            lookup=looks_up,
            identities=shown_identities(compiled.identities) if looks_up else (),
        )


@dataclass(frozen=True)
class ExplainRequest:
    """A query to explain; `read_client` defines ``client``, ``at`` is seconds of Unix time."""

    name: str
    kind: str
    transport: str
    client: str | None = None
    at: int | None = None
    lookup: bool = False


class ExplainService:
    """Explains queries by the snapshot in force."""

    def __init__(self, reconciler: Reconciler) -> None:
        self._reconciler = reconciler
        self._places = threading.Semaphore(MAX_AT_ONCE)

    def explain(self, request: ExplainRequest) -> dict[str, Any]:
        """The decision and its steps; blocks, with a lookup until the upstreams' timeout. Raises
        ``ControlError`` if nothing is in force or too many are being explained, ``InvalidError``
        for an invalid client, and ``Refusal`` for an invalid name, type or transport."""
        try:
            client = read_client(request.client) if request.client is not None else Client()
        except ControlError as error:
            raise InvalidError(str(error)) from None
        compiled = self._reconciler.in_force
        if compiled is None:
            raise ControlError("the documents are not valid, and nothing is in force")
        if not self._places.acquire(timeout=WAIT_SECONDS):
            raise ControlError("other queries are being explained; try again in a moment")
        try:
            return explain(
                compiled.octets,
                fold(request.name),
                request.kind.upper(),
                request.transport,
                who=client.who,
                expired=client.expired,
                at=request.at,
                lookup=request.lookup,
                identities=shown_identities(compiled.identities) if request.lookup else (),
            )
        finally:
            self._places.release()


def shown_identities(identities: Mapping[str, Identity]) -> list[dict[str, str]]:
    """The certificates for upstreams; those that cannot be read are left out, and the step of the
    upstream then says what is missing."""
    found = []
    for name, files in identities.items():
        with suppress(OSError, UnicodeDecodeError):
            pems = {"certificate": _read(files.certificate), "key": _read(files.key)}
            found.append({"name": name, **pems})
    return found


def _read(file: Path) -> str:
    """The text of a file that a document names: by now it may be something that blocks its
    reader."""
    return read_regular(file, MAX_FILE).decode()


def read_client(text: str) -> Client:
    """Reads ``spiffe://...``, ``expired:spiffe://...``, ``token:NAME`` or an IP address.

    Raises ``ControlError`` for anything else. The explanation shows whether it exists.
    """
    shown = text.removeprefix(_EXPIRED)
    expired = shown != text
    if shown.startswith("spiffe://"):
        return Client({"identity": shown}, expired)
    token = shown.removeprefix("token:")
    if not expired and token != shown and token:
        return Client({"token": token})
    try:
        if not expired:
            return Client({"address": str(ip_address(shown))})
    except ValueError:
        pass
    raise ControlError(
        f"{text!r} is no client: give spiffe://example.org/..., expired:spiffe://example.org/..., "
        "token:NAME or an IP address"
    )


def read_time(text: str) -> int:
    """Reads an ISO 8601 time as seconds of Unix time; without a zone it is local time.

    Raises ``ControlError`` for anything else.
    """
    try:
        return int(datetime.fromisoformat(text).timestamp())
    except (ValueError, OverflowError):
        raise ControlError(
            f"{text!r} is not a time: give one such as 2026-11-25T21:00 or 2026-11-25T20:00Z"
        ) from None

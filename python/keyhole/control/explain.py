"""The use case behind ``keyhole explain``."""

import tempfile
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from keyhole.control.compile import compile_all
from keyhole.control.data_folder import DataFolder
from keyhole.control.error import ControlError
from keyhole.control.lists import existing_settings
from keyhole.control.settings import read_settings
from keyhole.engine import explain

_EXPIRED = "expired:"


@dataclass(frozen=True)
class Client:
    """Who asks, as the engine wants to be told."""

    who: dict[str, str] | None = None
    """None is somebody on this machine who shows nothing."""
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
) -> dict[str, Any]:
    """Compiles the documents as they are on the disk and walks the question through them.

    ``who`` and ``at`` are as `read_client` and `read_time` take them. Raises ``DocumentErrors`` when
    the documents are not valid, ``ControlError`` when there is nothing to explain with, and
    ``Refusal`` for a name or type that is none.
    """
    client = read_client(who) if who is not None else Client()
    moment = read_time(at) if at is not None else None
    settings = read_settings(existing_settings(data, config))
    with tempfile.TemporaryDirectory(prefix="keyhole-explain-") as folder:
        # A draft must not touch what the running Keyhole remembers of its lists.
        scratch = DataFolder(Path(folder)) if documents else data
        scratch.make()
        compiled = compile_all(
            settings,
            scratch,
            documents=documents,
            identity=data.identity,
            downloads=data.state,
        )
        return explain(
            compiled.octets,
            name,
            kind.upper(),
            transport,
            who=client.who,
            expired=client.expired,
            at=moment,
        )


def read_client(text: str) -> Client:
    """Reads ``spiffe://...``, ``expired:spiffe://...``, ``token:NAME`` or an IP address.

    Raises ``ControlError`` for anything else; whether there is such an identity or token shows in
    the explanation.
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
        f"{text!r} says nobody: give spiffe://example.org/..., expired:spiffe://example.org/..., "
        "token:NAME or an IP address"
    )


def read_time(text: str) -> int:
    """Reads an ISO time as seconds of Unix time; without a zone it is in that of this machine.

    Raises ``ControlError`` for what is none.
    """
    try:
        return int(datetime.fromisoformat(text).timestamp())
    except (ValueError, OverflowError):
        raise ControlError(
            f"{text!r} is not a time: give one such as 2026-11-25T21:00 or 2026-11-25T20:00Z"
        ) from None

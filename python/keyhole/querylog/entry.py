"""Parses lines of the query log, which may be damaged."""

import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal

from keyhole.model.record_type import RECORD_TYPES

# One octet of a label: printable, escaped, or as three digits (RFC 1035 section 5.1).
_OCTET = r"(?:[!-\-/-\[\]-~]|\\(?:[01][0-9]{2}|2[0-4][0-9]|25[0-5])|\\[!-/:-~])"
_NAME = re.compile(rf"\.|{_OCTET}{{1,63}}(?:\.{_OCTET}{{1,63}})*")
_ONE_OCTET = re.compile(_OCTET)
_MAX_NAME_OCTETS = 253
_NUMBERED_TYPE = re.compile(r"TYPE([0-9]{1,5})")
# SPIFFE-ID section 2, checked exactly so that no other text passes as an identity.
_IDENTITY = re.compile(r"spiffe://[a-z0-9._-]{1,255}(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._-]+)+")
_MAX_IDENTITY = 2048
_MAX_NUMBER, _MAX_OCTETS = 2**63 - 1, 2**32 - 1
"""What the database has room for; an account of octets has 32 bits."""
_TEXTS = ("client", "identity", "token", "policy", "rule", "list", "observed", "upstream")
# Left out where there is none.
_OPTIONAL_TEXTS = ("file", "target", "allow", "answer", "tls", "upstream_tls", "domain")


@dataclass(frozen=True)
class ClientRef:
    """The client: by identity or token, else by address; ``anonymous`` where the log has none."""

    kind: Literal["identity", "token", "address", "anonymous"]
    value: str = ""

    def __str__(self) -> str:
        match self.kind:
            case "token":
                return f"token {self.value}"
            case "anonymous":
                return "anonymous"
        return self.value

    @property
    def as_document(self) -> dict[str, str] | None:
        """The field ``as`` of the core's ``explain`` and ``judge``."""
        return None if self.kind == "anonymous" else {self.kind: self.value}


@dataclass(frozen=True)
class LogEntry:
    """A query that ended; ``kind`` is the record type, ``list_name`` the field ``list``.

    ``file`` and ``line`` are the place of the deciding list entry. ``target`` is the blocked name
    that the answer leads to, and ``allow`` the name to allow so that it is answered. ``answer`` is
    what the client got for a blocked name, a word of the documents. ``tls`` and ``upstream_tls``
    are the versions of TLS of the connections of client and upstream, such as ``1.3``; ``none``
    for DoH behind a proxy that ends TLS; absent over other cleartext, and for a query from before
    they were kept.
    """

    time: datetime
    transport: str
    client_ref: ClientRef
    client: str | None
    policy: str | None
    name: str | None
    kind: str | None
    outcome: str
    reason: str
    rule: str | None
    list_name: str | None
    observed: str | None
    upstream: str | None
    duration_us: int
    snapshot: int | None
    file: str | None = None
    line: int | None = None
    target: str | None = None
    allow: str | None = None
    answer: str | None = None
    tls: str | None = None
    upstream_tls: str | None = None
    domain: str | None = None
    """The registered domain whose budget speaks of the query; absent where none does."""
    octets: int | None = None
    """What was on the account of that budget with the query."""
    clients: int | None = None
    """About how many clients that was, where it was all of them together; else absent."""
    missing: int | None = None
    """How many domains that do not exist the client asked for within an hour, where that is too
    many."""
    count: int = 1
    """How many queries it stands for: those that were turned away are summed up without a name, and
    its client is then the network prefix; a busy engine sums up alike ones of one second, at the
    time of the first."""
    engine: str | None = "local"
    """The engine that wrote it; none where that was not kept."""
    client_name: str | None = None
    """What the client is called, in answers of the API alone."""
    client_name_source: str | None = None
    """Who says so: ``document``, ``dhcp``, ``hosts`` or ``reverse``."""

    @property
    def document(self) -> dict[str, Any]:
        """The fields of the line."""
        identity = self.client_ref.value if self.client_ref.kind == "identity" else None
        token = self.client_ref.value if self.client_ref.kind == "token" else None
        optional = {
            "file": self.file,
            "line": self.line,
            "target": self.target,
            "allow": self.allow,
            "answer": self.answer,
            "tls": self.tls,
            "upstream_tls": self.upstream_tls,
            "domain": self.domain,
            "octets": self.octets,
            "clients": self.clients,
            "missing": self.missing,
        }
        return {
            "time": self.time.isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "transport": self.transport,
            "client": self.client,
            "identity": identity,
            "token": token,
            "policy": self.policy,
            "name": self.name,
            "type": self.kind,
            "outcome": self.outcome,
            "reason": self.reason,
            "rule": self.rule,
            "list": self.list_name,
            "observed": self.observed,
            "upstream": self.upstream,
            "duration_us": self.duration_us,
            "snapshot": self.snapshot,
            **{key: value for key, value in optional.items() if value is not None},
            **({"count": self.count} if self.count != 1 else {}),
            "engine": self.engine,
        }


def second_of(line: Mapping[str, Any]) -> float | None:
    """The time of a line or row, in seconds of Unix time, as the log or as the history writes it;
    none where it has none."""
    match line.get("time"):
        case int(micros):
            return micros / 1e6
        case str(text):
            with suppress(ValueError):
                return datetime.fromisoformat(text).timestamp()
    return None


def read_line(line: bytes) -> LogEntry | int | None:
    """A query, the number of lost events, or none for a damaged line."""
    try:
        fields = json.loads(line)
        if not isinstance(fields, dict):
            return None
        if fields.keys() - {"before"} == {"lost"}:
            lost = fields["lost"]
            return lost if isinstance(lost, int) and lost >= 0 else None
        return _read(fields)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def read_entry(fields: dict[str, Any]) -> LogEntry | None:
    """A query from the fields of a line; none where they are invalid."""
    try:
        return _read(fields)
    except (ValueError, KeyError, TypeError):
        return None


def _read(fields: dict[str, Any]) -> LogEntry | None:
    texts: dict[str, str | None] = {key: _text(fields[key]) for key in _TEXTS}
    texts |= {key: _text(fields.get(key)) for key in _OPTIONAL_TEXTS}
    name, kind = _text(fields["name"]), _text(fields["type"])
    if (name is None) != (kind is None) or not (name is None or _is_name(name)):
        return None
    if kind is not None and not _is_type(kind):
        return None
    if not all(_is_name(texts[key] or ".") for key in ("target", "allow", "domain")):
        return None
    client_ref = _client_ref(texts["identity"], texts["token"], texts["client"])
    time = datetime.fromisoformat(_word(fields["time"]))
    if client_ref is None or time.tzinfo is None:
        return None
    return LogEntry(
        time=time,
        transport=_word(fields["transport"]),
        client_ref=client_ref,
        client=texts["client"],
        policy=texts["policy"],
        name=name,
        kind=kind,
        outcome=_word(fields["outcome"]),
        reason=_word(fields["reason"]),
        rule=texts["rule"],
        list_name=texts["list"],
        observed=texts["observed"],
        upstream=texts["upstream"],
        duration_us=_number(fields["duration_us"]),
        snapshot=_optional_number(fields["snapshot"]),
        file=texts["file"],
        line=_optional_number(fields.get("line")),
        target=texts["target"],
        allow=texts["allow"],
        answer=texts["answer"],
        tls=texts["tls"],
        upstream_tls=texts["upstream_tls"],
        domain=texts["domain"],
        octets=_optional_number(fields.get("octets"), _MAX_OCTETS),
        clients=_optional_number(fields.get("clients"), _MAX_OCTETS),
        missing=_optional_number(fields.get("missing"), _MAX_OCTETS),
        count=_number(fields.get("count", 1)),
        engine=_text(fields.get("engine", "local")),
    )


def _text(value: Any) -> str | None:
    return None if value is None else _word(value)


def _word(value: Any) -> str:
    # PostgreSQL takes no text with NUL, and nobody has a name with one.
    if not isinstance(value, str) or "\0" in value:
        raise TypeError
    return value


def _number(value: Any, most: int = _MAX_NUMBER) -> int:
    if not isinstance(value, int) or not 0 <= value <= most:
        raise TypeError
    return value


def _optional_number(value: Any, most: int = _MAX_NUMBER) -> int | None:
    return None if value is None else _number(value, most)


@lru_cache(maxsize=65_536)
def _client_ref(identity: str | None, token: str | None, client: str | None) -> ClientRef | None:
    if client is not None and not _is_address(client):
        return None
    if identity is not None:
        return ClientRef("identity", identity) if _is_identity(identity) else None
    if token is not None:
        return ClientRef("token", token)
    return ClientRef("anonymous") if client is None else ClientRef("address", client)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_identity(text: str) -> bool:
    return len(text) <= _MAX_IDENTITY and _IDENTITY.fullmatch(text) is not None


@lru_cache(maxsize=65_536)
def _is_name(text: str) -> bool:
    return _NAME.fullmatch(text) is not None and len(_ONE_OCTET.sub("x", text)) <= _MAX_NAME_OCTETS


@lru_cache(maxsize=1_024)
def _is_type(text: str) -> bool:
    numbered = _NUMBERED_TYPE.fullmatch(text)
    return text in RECORD_TYPES or (numbered is not None and int(numbered[1]) < 65_536)


IS_VALID: dict[str, Callable[[str], bool]] = {
    "client": _is_address,
    "identity": _is_identity,
    "type": _is_type,
}
"""Whether a field of a line may have this text, where others read more than a text from it."""

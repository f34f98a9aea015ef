"""The launch document: everything that an engine process needs to start."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keyhole.engine.runtime import Refusal
from keyhole.system import durable
from keyhole.system.regular_file import read_whole


@dataclass(frozen=True)
class Identity:
    """A certificate chain and its key, PEM files."""

    certificate: Path
    key: Path


@dataclass(frozen=True)
class QueryLog:
    """The file of the query log, and how many octets are kept."""

    path: Path
    keep: int


@dataclass(frozen=True)
class Link:
    """The address of control: the path of a Unix socket, or the URL of another machine. For a URL,
    ``identity`` is the folder that ``keyhole enroll`` wrote, used for client authentication."""

    to: str
    identity: Path | None = None


@dataclass(frozen=True)
class TraceExport:
    """Where traces are sent: an OTLP receiver, and at most so many in a second of each kind.
    ``headers`` are the files that hold their values; ``service`` is our name there."""

    endpoint: str
    rate: int
    service: str
    headers: dict[str, Path]
    ca: Path | None = None


@dataclass(frozen=True)
class Launch:
    """Options, identities, the last good snapshot, and optionally the query log and the link.

    The supervisor writes it before it starts an engine. A killed engine can restart from it without
    control.
    """

    options: dict[str, Any]
    identities: dict[str, Identity]
    snapshot: Path
    log: QueryLog | None = None
    link: Link | None = None
    drain_seconds: float = 3.0
    health: tuple[str, ...] = ()
    """Where metrics are served; see ``keyhole.engine.health``."""
    copy: Path | None = None
    """The last good snapshot once more, for a damaged first one."""
    settings: str = ""
    """A digest of the settings that this document was made from."""
    traces: TraceExport | None = None

    def write(self, path: Path) -> None:
        """Writes the document atomically; raises `Refusal` if that fails."""
        document = {
            "options": self.options,
            "identities": {
                name: {"certificate": str(identity.certificate), "key": str(identity.key)}
                for name, identity in self.identities.items()
            },
            "snapshot": str(self.snapshot),
            "copy": str(self.copy) if self.copy else None,
            "settings": self.settings,
            "log": {"path": str(self.log.path), "keep": self.log.keep} if self.log else None,
            "link": _link(self.link) if self.link else None,
            "drain_seconds": self.drain_seconds,
            "health": list(self.health),
            "traces": _traces(self.traces) if self.traces else None,
        }
        try:
            durable.write_json(path, document)
        except OSError as error:
            raise Refusal("", f"cannot write {path}: {error.strerror}") from error

    @classmethod
    def read(cls, path: Path) -> "Launch":
        """Reads the document; raises `Refusal` if it is missing or not valid."""
        try:
            document = json.loads(read_whole(path))
            log, link = document["log"], document["link"]
            return cls(
                options=document["options"],
                identities={
                    name: Identity(Path(files["certificate"]), Path(files["key"]))
                    for name, files in document["identities"].items()
                },
                snapshot=Path(document["snapshot"]),
                log=QueryLog(Path(log["path"]), int(log["keep"])) if log else None,
                link=Link(str(link["to"]), _path(link["identity"])) if link else None,
                drain_seconds=float(document["drain_seconds"]),
                # Earlier versions wrote none of these.
                health=tuple(str(one) for one in document.get("health", ())),
                copy=_path(document.get("copy")),
                settings=str(document.get("settings", "")),
                traces=_read_traces(document.get("traces")),
            )
        except FileNotFoundError:
            raise Refusal("", f"{path} does not exist; start with keyhole up once") from None
        except OSError as error:
            raise Refusal("", f"cannot read {path}: {error.strerror}") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Refusal(str(path), f"not a launch document ({error!r})") from error


def _link(link: Link) -> dict[str, str | None]:
    return {"to": link.to, "identity": str(link.identity) if link.identity else None}


def _traces(traces: TraceExport) -> dict[str, Any]:
    return {
        "endpoint": traces.endpoint,
        "rate": traces.rate,
        "service": traces.service,
        "headers": {name: str(file) for name, file in traces.headers.items()},
        "ca": str(traces.ca) if traces.ca else None,
    }


def _read_traces(document: dict[str, Any] | None) -> TraceExport | None:
    if document is None:
        return None
    return TraceExport(
        endpoint=str(document["endpoint"]),
        rate=int(document["rate"]),
        service=str(document["service"]),
        headers={str(name): Path(file) for name, file in document["headers"].items()},
        ca=_path(document["ca"]),
    )


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None

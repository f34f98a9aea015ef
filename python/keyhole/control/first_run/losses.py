"""What ``keyhole setup --replace`` would take away: settings and documents of a person's own."""

import json
import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from keyhole.config import Config
from keyhole.config.declaration import Declaration
from keyhole.config.documents import read_documents
from keyhole.config.load import read_config
from keyhole.config.sections.database import DatabaseSection
from keyhole.config.sections.events import WebhookSection
from keyhole.control.first_run.place import DOCUMENTS
from keyhole.control.first_run.write import write_texts
from keyhole.errors import has_errors
from keyhole.model.address import Network
from keyhole.policy.default import default_documents

_MAX_SHOWN = 60
_SECRETS = {(DatabaseSection, "url"), (WebhookSection, "url")}
"""URLs with a password, or with a path that is one: a terminal may be recorded."""
_USER_INFO = re.compile(r"(://)[^/?#\s]*@")
_KINDS = ("policies", "lists", "upstreams", "records", "clients", "trust_domains", "log_exclusions")
_PLAIN_UPSTREAM = frozenset(["protocol", "addresses", "server_name"])
"""All that an upstream of ``keyhole setup`` has: one like it is replaced by the answers."""


def losses(settings: Path, files: Mapping[str, str]) -> list[str]:
    """Each setting and document in force that these files would drop or weaken, in a line. What is
    as Keyhole ships it is no loss, nor is what an answer replaces by its like."""
    target = settings.resolve()
    found: list[str] = []
    old = Config()
    if target.is_file():
        read, problems = read_config(target)
        if read is None or has_errors(problems):
            return [f"{target}: not valid, so what would be lost cannot be told"]
        old = read
    with tempfile.TemporaryDirectory(prefix="keyhole-setup-") as scratch:
        folder = Path(scratch)
        write_texts(folder, files)
        new, _ = read_config(folder / "keyhole.yaml")
        assert new is not None, "they were checked before"
        found += _settings(old, new, Config(), "")
        found += _networks(old.clients, new.clients)
        shipped = folder / "shipped"
        write_texts(shipped, default_documents())
        found += _documents(target.parent / old.documents, folder / DOCUMENTS, shipped)
    return found


def _settings(old: BaseModel, new: BaseModel, usual: BaseModel, at: str) -> Iterator[str]:
    for key in type(old).model_fields:
        before, after, shipped = (getattr(one, key) for one in (old, new, usual))
        place = f"{at}{key}"
        if place == "clients" or before in (after, shipped):
            continue
        if isinstance(before, BaseModel):
            yield from _settings(before, after, shipped, f"{place}.")
        elif at != "listen.":
            yield f"{place}: {_shown(old, key)} becomes {_shown(new, key)}"
        elif not before:
            yield f"{place}: it was off, and becomes {_shown(new, key)}"
        elif not after:
            yield f"{place}: {_shown(old, key)} becomes off"


def _networks(old: tuple[Network, ...], new: tuple[Network, ...]) -> Iterator[str]:
    if old == Config().clients:
        return
    for one in new:
        if not one.is_loopback and not any(_holds(other, one) for other in old):
            yield f"clients: {one} would be served, and is refused now"
    for one in old:
        if not any(_holds(other, one) for other in new):
            yield f"clients: {one} would be refused, and is served now"


def _holds(network: Any, other: Any) -> bool:
    return bool(network.version == other.version and other.subnet_of(network))


def _documents(old: Path, new: Path, shipped: Path) -> Iterator[str]:
    if not old.exists():
        return
    before, wrong = _read(old)
    if wrong:
        yield f"{old}: not valid, so what else would be lost there cannot be told"
    after, usual = _read(new)[0], _read(shipped)[0]
    for key, one in before.items():
        like, shipped_one = after.get(key), usual.get(key)
        if shipped_one is not None and one.spec == shipped_one.spec:
            continue
        if like is not None:
            yield from _fields(one, like, shipped_one)
        elif not (one.kind == "Upstream" and one.spec.model_fields_set <= _PLAIN_UPSTREAM):
            yield f"{one.place}: gone"


def _read(folder: Path) -> tuple[dict[tuple[str, str], Declaration[Any]], bool]:
    documents, problems = read_documents([folder])
    found = [one for kind in _KINDS for one in getattr(documents, kind)]
    return {(one.kind, one.name): one for one in found}, has_errors(problems)


def _fields(
    old: Declaration[Any], new: Declaration[Any], shipped: Declaration[Any] | None
) -> Iterator[str]:
    usual = shipped.spec if shipped is not None else None
    for place, before, after in _different(old.spec, new.spec, usual, "spec"):
        if (old.kind, place) != ("Policy", "spec.upstreams.names"):  # an answer replaces them
            yield f"{old.place}: {place}: {before} becomes {after}"


def _different(
    old: BaseModel, new: BaseModel, usual: BaseModel | None, at: str
) -> Iterator[tuple[str, str, str]]:
    for key in type(old).model_fields:
        before, after = getattr(old, key), getattr(new, key)
        shipped = getattr(usual, key, None)
        if before == after or (usual is not None and before == shipped):
            continue
        if usual is None and key not in old.model_fields_set:
            continue
        if isinstance(before, BaseModel) and isinstance(after, BaseModel):
            yield from _different(before, after, shipped, f"{at}.{key}")
        else:
            yield f"{at}.{key}", _shown(old, key), _shown(new, key)


def _shown(model: BaseModel, key: str) -> str:
    """A value as it is written, on one line; of what may hold a secret, that there is one."""
    value = model.model_dump(mode="json", include={key})[key]
    if value in (None, [], {}, ""):
        return "nothing"
    if (type(model), key) in _SECRETS:
        return "what is set"
    value = _without_user_info(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}..."


def _without_user_info(value: Any) -> Any:
    """The value, with no user and password in any URL in it (RFC 3986 section 3.2.1)."""
    if isinstance(value, str):
        return _USER_INFO.sub(r"\1...@", value)
    if isinstance(value, list):
        return [_without_user_info(one) for one in value]
    if isinstance(value, dict):
        return {key: _without_user_info(one) for key, one in value.items()}
    return value

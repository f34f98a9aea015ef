"""Compiles the files on the disk into a snapshot for the engine."""

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from keyhole.config import Documents, read_documents
from keyhole.control.data_folder import DataFolder
from keyhole.control.declared import declared_paths, refuse_unread
from keyhole.control.fingerprint import read_as_one
from keyhole.control.lists import compile_lists_in_use
from keyhole.control.settings import Settings
from keyhole.control.trust_context import read_trust_context
from keyhole.engine.launch import Identity
from keyhole.errors import Problem
from keyhole.identity import identity_files
from keyhole.lists import CompiledLists
from keyhole.model.overrides import Overrides
from keyhole.model.snapshot import Snapshot
from keyhole.policy import Compiled as CompiledDocuments
from keyhole.policy import TrustContext, compile_documents, load_documents
from keyhole.policy.overrides import lay_over
from keyhole.policy.remembered import Remembered
from keyhole.system.regular_file import read_whole


@dataclass(frozen=True)
class Compiled:
    """A snapshot with the data about it that the engine does not need."""

    snapshot: Snapshot
    plain: Snapshot
    """The snapshot without pauses and decisions."""
    identities: dict[str, Identity]
    advice: tuple[str, ...]
    summary: str
    """Counts of policies, rules, lists and so on, for people."""
    lists: CompiledLists | None = None
    """The compiled lists, with the report on each."""

    @property
    def number(self) -> int:
        """The number of the snapshot; each new snapshot has a higher one."""
        return self.snapshot.number

    @property
    def octets(self) -> bytes:
        """The encoded snapshot."""
        return self.snapshot.to_json()

    def with_overrides(self, overrides: Overrides, number: int) -> "Compiled":
        """The same documents as the snapshot of this number, with these pauses and decisions."""
        plain = self.plain.model_copy(update={"number": number})
        return replace(self, plain=plain, snapshot=_with_overrides(plain, overrides))

    def same_as(self, other: "Compiled") -> bool:
        """Whether both have the same effect; their numbers may differ."""
        numbered_alike = other.snapshot.model_copy(update={"number": self.number})
        return self.snapshot == numbered_alike and self.identities == other.identities


def last_good_octets(compiled: Compiled) -> bytes:
    """What documents alone gave, the certificates that belong to it, and the seconds of quarantine
    by policy, which engines do not get."""
    files = {
        name: {"certificate": str(one.certificate), "key": str(one.key)}
        for name, one in compiled.identities.items()
    }
    document = {
        "snapshot": compiled.plain.model_dump(mode="json"),
        "identities": files,
        "quarantines": {
            one.name: one.tunneling.quarantine
            for one in compiled.plain.policies
            if one.tunneling is not None and one.tunneling.quarantine is not None
        },
    }
    return json.dumps(document).encode() + b"\n"


def read_snapshot(data: DataFolder) -> Snapshot | None:
    """The snapshot that was in force last; none where that is not known."""
    try:
        return _snapshot(data)
    except (OSError, ValueError):
        return None


def _snapshot(data: DataFolder) -> Snapshot | None:
    file = data.snapshot if is_whole(data.snapshot) else data.snapshot_copy
    return Snapshot.model_validate_json(read_whole(file)) if is_whole(file) else None


def read_last_good(data: DataFolder) -> Compiled | None:
    """What was in force last; none where that is not known.

    Where both files of the snapshot are gone, it is what documents gave, with the pauses and
    decisions of now.
    """
    try:
        found = json.loads(read_whole(data.last_good))
        snapshot = _snapshot(data)
        # That of an earlier version has no quarantines.
        for policy in found["snapshot"]["policies"]:
            if policy["tunneling"] is not None:
                seconds = found.get("quarantines", {}).get(policy["name"])
                policy["tunneling"]["quarantine"] = seconds
        plain = Snapshot.model_validate(found["snapshot"])
        identities = {
            str(name): Identity(Path(files["certificate"]), Path(files["key"]))
            for name, files in found["identities"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    if snapshot is None:
        snapshot = _with_overrides(plain, data.read_overrides())
    plain = plain.model_copy(update={"number": snapshot.number})
    return Compiled(snapshot, plain, identities, (), "")


def compile_all(
    settings: Settings,
    data: DataFolder,
    *,
    documents: Path | Sequence[Path] | None = None,
    over: Sequence[Path] | None = None,
    identity: Path | None = None,
    downloads: Path | None = None,
    context: TrustContext | None = None,
) -> Compiled:
    """Reads, checks and compiles the documents, lists included.

    ``documents`` replaces the documents of the settings. ``over`` names folders below them: a
    document there counts unless one of the same kind and name replaces it. Without ``documents``,
    those of the settings replace stored ones, and pauses and decisions apply. ``identity`` replaces
    the authority folder of ``data``, ``context`` replaces the tokens and revocations in it, and
    ``downloads`` is the state folder with downloaded lists, if it is another one. Raises
    ``DocumentErrors`` with all errors, ``IdentityError`` if tokens or revocations cannot be read,
    ``ListError`` or ``Refusal`` if lists cannot be compiled, and ``NotReadError`` where documents
    in Kubernetes have not been read yet. Does not change what is in force.
    """
    own_names = settings.resolved.own_names
    folder = identity or data.identity
    if over is None:
        over = () if documents else data.stored_folders
    overrides = Overrides() if documents else data.read_overrides()
    if documents is None:
        refuse_unread(settings, data)
        documents = declared_paths(settings, data)
    paths = [documents] if isinstance(documents, Path) else documents

    def read_all() -> tuple[Documents, list[Problem], TrustContext]:
        known = context or read_trust_context(settings, folder)
        return *load_documents(paths, own_names, over=over, context=known), known

    # Lists are read after the documents that name them.
    read, advice, context = read_as_one([*paths, *over, *identity_files(folder)], read_all)
    lists = compile_lists_in_use(read, own_names, data.state, downloads=downloads)
    file = lists.file if lists else None
    compiled = compile_documents(read, _last_number(data) + 1, file, context=context)
    identities = {name: Identity(*files) for name, files in compiled.identities.items()}
    problems = [*advice, *(lists.problems if lists else ())]
    texts, summary = _texts(problems), _summary(read, compiled)
    plain = compiled.snapshot
    return Compiled(_with_overrides(plain, overrides), plain, identities, texts, summary, lists)


def _with_overrides(snapshot: Snapshot, overrides: Overrides) -> Snapshot:
    return lay_over(snapshot, overrides.at(int(time.time())))


def referenced_files(settings: Settings, data: DataFolder) -> frozenset[Path]:
    """The files that documents refer to, such as lists and certificates.

    Includes those of invalid documents: the fix may be in such a file.
    """
    documents, _ = read_documents([*declared_paths(settings, data), *data.stored_folders])
    # A folder is no file that documents may name, and to watch one is to walk it.
    return frozenset(path for path in documents.watched_files() if not path.is_dir())


def _summary(documents: Documents, compiled: CompiledDocuments) -> str:
    counts = {
        "policy": len(documents.policies),
        "rule": sum(len(policy.spec.rules) for policy in documents.policies),
        "list": len(compiled.snapshot.lists),
        "record": len(compiled.snapshot.records),
        "upstream": len(documents.upstreams),
        "client": len(documents.clients),
    }
    return ", ".join(f"{count} {_plural(word, count)}" for word, count in counts.items())


def _plural(word: str, count: int) -> str:
    if count == 1:
        return word
    return f"{word.removesuffix('y')}ies" if word.endswith("y") else f"{word}s"


def is_whole(snapshot: Path) -> bool:
    """Whether a snapshot file can be read; the engine checks what it says."""
    return _number_in(snapshot) is not None


def _last_number(data: DataFolder) -> int:
    # Missing or damaged, both: then no engine can have one in force either.
    return max(_number_in(file) or 0 for file in (data.snapshot, data.snapshot_copy))


def _number_in(snapshot: Path) -> int | None:
    try:
        status = snapshot.stat()
    except OSError:
        return None
    # A file that was not written since has the same number; a large one takes long to read.
    state = (snapshot, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    return _NUMBERS.get(state, lambda: _read_number(snapshot))


_NUMBERS: Remembered[int | None] = Remembered(8)


def _read_number(snapshot: Path) -> int | None:
    try:
        number = json.loads(read_whole(snapshot))["number"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return number if isinstance(number, int) else None


def _texts(problems: Iterable[Problem]) -> tuple[str, ...]:
    return tuple(str(problem) for problem in problems)

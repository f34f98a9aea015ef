"""From the files on the disk to the snapshot that an engine takes."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from keyhole.config import Documents, read_documents
from keyhole.control.data import DataFolder
from keyhole.control.lists import compile_lists_in_use
from keyhole.control.settings import Settings
from keyhole.engine.launch import Identity
from keyhole.errors import Problem
from keyhole.model.snapshot import Snapshot
from keyhole.policy import compile_documents, load_documents


@dataclass(frozen=True)
class Compiled:
    """A snapshot, and what belongs to it outside of the engine."""

    snapshot: Snapshot
    identities: dict[str, Identity]
    advice: tuple[str, ...]

    @property
    def number(self) -> int:
        """Grows with each snapshot that was in force."""
        return self.snapshot.number

    @property
    def octets(self) -> bytes:
        """The snapshot as the engine reads it."""
        return self.snapshot.to_json()

    @property
    def summary(self) -> str:
        """How much it holds, in a phrase."""
        snapshot = self.snapshot
        rules = sum(len(policy.rules) for policy in snapshot.policies)
        counts = {
            "rule": rules,
            "list": len(snapshot.lists),
            "record": len(snapshot.records),
            "upstream": len(snapshot.upstreams),
        }
        return ", ".join(f"{count} {word}{'s' * (count != 1)}" for word, count in counts.items())

    def same_as(self, other: "Compiled") -> bool:
        """Whether the engine would do the same with both."""
        numbered_alike = other.snapshot.model_copy(update={"number": self.number})
        return self.snapshot == numbered_alike and self.identities == other.identities


def compile_all(settings: Settings, data: DataFolder, *, documents: Path | None = None) -> Compiled:
    """Reads, checks and compiles the documents, lists included.

    ``documents`` stands for another folder or file than that of the settings. Raises
    ``DocumentErrors`` with everything that is wrong, and ``ListError`` or ``Refusal`` when lists
    cannot be compiled. Nothing in force is touched.
    """
    own_names = settings.resolved.own_names
    read, advice = load_documents([documents or settings.documents], own_names)
    lists = compile_lists_in_use(read, own_names, data.state)
    compiled = compile_documents(read, _last_number(data) + 1, lists.file if lists else None)
    identities = {name: Identity(*files) for name, files in compiled.identities.items()}
    problems = [*advice, *(lists.problems if lists else ())]
    return Compiled(compiled.snapshot, identities, _texts(problems))


def source_files(settings: Settings) -> frozenset[Path]:
    """The files beside the documents that a change of the snapshot may come from.

    Also of documents that are not valid as a whole: what a person mends may be any of them.
    """
    documents, _ = read_documents([settings.documents])
    return frozenset(_beside(documents))


def _beside(documents: Documents) -> Iterable[Path]:
    for one in documents.lists:
        yield from (one.beside(file) for file in one.spec.files)
    for upstream in documents.upstreams:
        if upstream.spec.ca is not None:
            yield upstream.beside(upstream.spec.ca)


def _last_number(data: DataFolder) -> int:
    try:
        number = json.loads(data.snapshot.read_bytes())["number"]
    except (OSError, ValueError, KeyError, TypeError):
        return 0  # none yet, or damaged: then no engine can have it in force either
    return number if isinstance(number, int) else 0


def _texts(problems: Iterable[Problem]) -> tuple[str, ...]:
    return tuple(str(problem) for problem in problems)

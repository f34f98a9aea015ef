"""Requests to change documents, and their outcome."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from keyhole.config.documents import read_text_documents
from keyhole.config.yaml_stream import split_stream
from keyhole.errors import DocumentErrors, Problem, has_errors
from keyhole.model.document import KINDS

EffectKind = Literal["created", "changed", "unchanged", "deleted"]
_VERSION = re.compile(r"^# keyhole-version: ([0-9]{1,9})\n", re.MULTILINE)
MAX_DOCUMENTS = 10_000
MAX_OCTETS = 8 * 2**20
MAX_VALUES = 500_000
"""Brackets, commas and lines of a stream, counted before it is parsed."""
MAX_PROBLEMS = 1_000
"""After as many nobody reads on, and an answer has a size."""


@dataclass(frozen=True)
class ChangeRequest:
    """The new text of one document; without a text it is deleted."""

    kind: str
    name: str
    text: str | None
    seen: int | None = None
    """The version that the caller has seen: 0 if there was none; none overwrites any version."""

    @property
    def label(self) -> str:
        """Kind and name, such as ``Policy/base``."""
        return f"{self.kind}/{self.name}"


@dataclass(frozen=True)
class Effect:
    """The effect on one document; ``version`` is the current one."""

    kind: str
    name: str
    what: EffectKind
    version: int


@dataclass(frozen=True)
class Outcome:
    """The outcome of a change."""

    effects: tuple[Effect, ...]
    change: int | None = None
    """The number in the audit record; none if nothing changed."""
    is_in_force: bool = True
    """Whether the engine has committed it."""
    why: str = ""
    """Why it is not in force yet."""
    advice: tuple[str, ...] = field(default=())


def read_change_requests(text: str, file: str, folder: Path) -> list[ChangeRequest]:
    """Reads the documents of a YAML stream; messages call it ``file``, and paths in it are relative
    to ``folder``.

    Raises `DocumentErrors` with all syntax errors.
    """
    if len(text) > MAX_OCTETS:
        raise _refused(file, f"larger than {MAX_OCTETS // 2**20}MiB; apply it in parts")
    if sum(map(text.count, "[{,\n")) > MAX_VALUES:
        raise _refused(file, f"more than {MAX_VALUES} values; apply it in parts")
    requests: list[ChangeRequest] = []
    problems: list[Problem] = []
    seen: dict[str, int] = {}
    for part in split_stream(text):
        if len(requests) > MAX_DOCUMENTS or len(problems) > MAX_PROBLEMS:
            break
        documents, wrong = read_text_documents(
            part.text, file, folder, is_confined=True, first_line=part.line
        )
        problems += wrong
        for heading in documents.headings:
            if heading.label in seen:
                why = f"declared twice, first in line {seen[heading.label]}; keep one"
                problems.append(heading.problem("metadata.name", why))
            seen[heading.label] = heading.line
            requests.append(_request(heading.kind, heading.name, part.text))
    if has_errors(problems):
        raise DocumentErrors(problems)
    if not requests:
        raise _refused(file, "it holds no document")
    if len(requests) > MAX_DOCUMENTS:
        raise _refused(file, f"too many documents; at most {MAX_DOCUMENTS} at once")
    return requests


def with_version(text: str, version: int) -> str:
    """The text for editing a document: with its version in a comment, which
    :func:`read_change_requests` reads."""
    return f"# keyhole-version: {version}\n{text}"


def _request(kind: str, name: str, text: str) -> ChangeRequest:
    found = _VERSION.search(text)
    if found is None:
        return ChangeRequest(kind, name, text)
    return ChangeRequest(kind, name, text[: found.start()] + text[found.end() :], int(found[1]))


def find_kind(word: str) -> str | None:
    """Finds a kind by its name, in upper or lower case, singular or plural."""
    wanted = word.lower()
    for kind in KINDS:
        singular = kind.lower()
        plural = f"{singular[:-1]}ies" if singular.endswith("y") else f"{singular}s"
        if wanted in (singular, plural):
            return kind
    return None


def summary(effects: Sequence[Effect]) -> str:
    """Counts of the effects, such as ``1 created, 2 changed``."""
    words: list[EffectKind] = ["created", "changed", "deleted", "unchanged"]
    counts = [(sum(one.what == word for one in effects), word) for word in words]
    return ", ".join(f"{count} {word}" for count, word in counts if count)


def _refused(file: str, why: str) -> DocumentErrors:
    return DocumentErrors([Problem(file, 0, "", "", why)])

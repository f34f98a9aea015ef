"""How files and names look: sizes, words, spelling, and what must not be written down."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from tools.borders.tree import Finding, SourceFile

SOFT_LINES = 300
HARD_LINES = 500

_SOURCES = {".rs", ".py", ".c"}
# Words that say nothing about a thing; ARCHITECTURE.md names the ones to use instead.
_EMPTY_WORDS = {
    "manager", "handler", "helper", "helpers", "util", "utils", "common", "misc",
    "filter", "blacklist", "whitelist",
    # Words that this project once used for things that have a name in the field.
    "apologize", "believe", "deed", "desk", "door", "doors", "examiner", "fate", "flaw", "furnish",
    "keeper", "nameless", "outpost", "patience", "seat", "seats", "shelf", "spoil", "tally",
    "tongue", "vouch", "whereabouts", "wish",
}  # fmt: skip
# Names that a standard or a library gave.
_GIVEN = {"common_name"}
_DECLARATION = {
    ".rs": re.compile(r"\b(?:fn|struct|enum|trait|mod|type|const|static)\s+([A-Za-z_]\w*)"),
    ".py": re.compile(r"^\s*(?:async\s+)?(?:def|class)\s+([A-Za-z_]\w*)"),
}
_LIMIT = re.compile(r"^\s*(?:pub(?:\(\w+\))? )?(?:const )?_?(?:MOST|LONGEST)_\w+(?=\s*[:=])")
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")

_BRITISH = re.compile(
    r"\b(?:behaviou|colou|favou|honou|neighbou)r\w*"
    # qname-minimisation is a key of Unbound.
    r"|\b(?<!qname-)(?:authori|initiali|normali|optimi|seriali|recogni|organi|summari|minimi|maximi)s(?:e|ed|es|ing|ation)\b"
    r"|\b(?:centre|licence|defence|analyse[ds]?|labelled|travelled|grey)\b",
    re.IGNORECASE,
)
_MACHINE_PATH = re.compile(r"(?<![\w.])/(?:root|home/\w+|work|Users/\w+)/")
# Package registries are reached through their clients' own settings, so that any mirror serves. The
# names stand in parts: this file is held to the rule as well.
_REGISTRIES = [
    ("pypi", "org"), ("pythonhosted", "org"), ("crates", "io"), ("npmjs", "org"),
    ("golang", "org"), ("maven", "org"), ("deb", "debian", "org"),
]  # fmt: skip
_REGISTRY = re.compile(
    r"(?:\b|[./])(?:" + "|".join(r"\.".join(parts) for parts in _REGISTRIES) + r")\b"
)
# cargo writes the index of its default registry into every lock file.
_REGISTRY_EXEMPT = {"Cargo.lock", "fuzz/Cargo.lock"}


def sizes(files: Iterable[SourceFile]) -> Iterator[Finding]:
    """A file that a reader cannot hold in mind is split."""
    for file in files:
        if file.path.suffix not in _SOURCES or file.is_test:
            continue
        lines = len(file.program)
        if lines > HARD_LINES:
            yield Finding(str(file.path), f"{lines} lines, more than {HARD_LINES}: split it")
        elif lines > SOFT_LINES:
            yield Finding(str(file.path), f"{lines} lines, better under {SOFT_LINES}", fatal=False)


def words(files: Iterable[SourceFile]) -> Iterator[Finding]:
    """Names say what a thing is."""
    for file in files:
        pattern = _DECLARATION.get(file.path.suffix)
        if pattern is None:
            continue
        for part in file.path.with_suffix("").parts:
            yield from _empty_words(part, str(file.path))
        for number, line in enumerate(file.text.splitlines(), 1):
            for found in pattern.finditer(line.split("//", 1)[0]):
                yield from _empty_words(found.group(1), f"{file.path}:{number}")
            if limit := _LIMIT.match(line):
                yield Finding(f"{file.path}:{number}", f"'{limit.group().strip()}': say MAX_")


def _empty_words(name: str, place: str) -> Iterator[Finding]:
    for given in _GIVEN:
        name = name.replace(given, "")
    for word in _WORD.findall(name):
        if word.lower() in _EMPTY_WORDS:
            yield Finding(place, f"'{word}' in '{name}' says nothing: name the thing")


def spelling(files: Iterable[SourceFile]) -> Iterator[Finding]:
    """American spelling everywhere."""
    for file in files:
        if file.path.name in {"LICENSE", "Cargo.lock"} or file.path == Path(
            "tools/borders/text.py"
        ):
            continue
        yield from _matches(file, _BRITISH, "American spelling, please")


def places(files: Iterable[SourceFile]) -> Iterator[Finding]:
    """No path of somebody's machine, no package registry."""
    for file in files:
        if file.path == Path("tools/borders/text.py"):
            continue
        yield from _matches(file, _MACHINE_PATH, "a path of one machine")
        if str(file.path) not in _REGISTRY_EXEMPT:
            yield from _matches(file, _REGISTRY, "the address of a package registry")


def _matches(file: SourceFile, pattern: re.Pattern[str], what: str) -> Iterator[Finding]:
    for number, line in enumerate(file.text.splitlines(), 1):
        if found := pattern.search(line):
            yield Finding(f"{file.path}:{number}", f"'{found.group()}': {what}")

"""Borders between the Rust crates: py -> core, lists -> names -> wire, and what each may know."""

import json
import re
import subprocess
from collections.abc import Iterable, Iterator

from tools.borders.tree import ROOT, Finding, SourceFile

# Which packages of the workspace each one may name.
_MAY_NAME = {
    "keyhole-wire": set[str](),
    "keyhole-names": {"keyhole-wire"},
    "keyhole-lists": {"keyhole-names", "keyhole-wire"},
    "keyhole-core": {"keyhole-names", "keyhole-wire"},
    "keyhole-py": {"keyhole-core", "keyhole-lists"},
}
# Packages that only one crate may name, with the reason.
_RESERVED = {
    "pyo3": ("keyhole-py", "only the bindings know Python"),
}
# Crates whose code is a function of its input.
_PURE = {"keyhole-wire", "keyhole-names", "keyhole-lists"}
_PURE_MUST_NOT = {"tokio", "hyper", "h2", "rustls", "socket2", "libc"}

# Time comes into these as a parameter and nothing in them waits: tests of them need no clock.
_SYNCHRONOUS = (
    "crates/wire/src/",
    "crates/names/src/",
    "crates/lists/src/",
    "crates/core/src/budgets/",
    "crates/core/src/document",
    "crates/core/src/faults",
    "crates/core/src/list_table",
    "crates/core/src/policy/",
    "crates/core/src/records/",
    "crates/core/src/cache/",
    "crates/core/src/snapshot/",
    "crates/core/src/subjects",
    "crates/core/src/trust/",
)
_WAITING = re.compile(r"\btokio\b|\b(?:Instant|SystemTime)::now\b|\basync fn\b")


def edges() -> Iterator[Finding]:
    """Dependencies between packages, from the manifests as cargo reads them."""
    metadata = json.loads(
        subprocess.run(
            ["cargo", "metadata", "--format-version", "1", "--no-deps", "--locked"],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    )
    for package in metadata["packages"]:
        name = package["name"]
        named = {each["name"] for each in package["dependencies"] if each["kind"] != "dev"}
        if name not in _MAY_NAME:
            yield Finding(name, "a new crate needs its row in tools/borders/crates.py")
            continue
        for other in sorted((named & _MAY_NAME.keys()) - _MAY_NAME[name]):
            yield Finding(name, f"must not depend on {other}")
        for reserved, (owner, why) in _RESERVED.items():
            if reserved in named and name != owner:
                yield Finding(name, f"must not depend on {reserved}: {why}")
        if name in _PURE:
            for other in sorted(named & _PURE_MUST_NOT):
                yield Finding(name, f"must not depend on {other}: it neither waits nor connects")


def clocks(files: Iterable[SourceFile]) -> Iterator[Finding]:
    """The synchronous modules name neither the runtime nor a clock."""
    for file in files:
        if not str(file.path).startswith(_SYNCHRONOUS) or file.is_test:
            continue
        for number, line in enumerate(file.program, 1):
            code = line.split("//", 1)[0]
            if found := _WAITING.search(code):
                yield Finding(
                    f"{file.path}:{number}",
                    f"'{found.group()}' in a synchronous module: time and waiting stay outside",
                )

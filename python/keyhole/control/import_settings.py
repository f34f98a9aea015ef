"""The use case behind ``keyhole import``: converts settings of another product to documents."""

import hashlib
import json
import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree

from keyhole.config.documents import read_documents, read_text_documents
from keyhole.control.data_folder import DataFolder, write_durably
from keyhole.control.error import ControlError
from keyhole.engine import Refusal, judge
from keyhole.errors import DocumentErrors, Problem, has_errors
from keyhole.identity.files import locked, make_private_folder
from keyhole.identity.journal import Author, note
from keyhole.importers import (
    READERS,
    Document,
    ImporterError,
    Kind,
    Report,
    Setup,
    account,
    plan,
    prune,
    write,
)
from keyhole.model.document import API_VERSION
from keyhole.policy import compile_documents, cross_check
from keyhole.system import durable
from keyhole.system.durable import SHARED_FILE

REPORT_FILE = "import.json"
"""The import report, beside the documents; readers of documents ignore it."""

# A placeholder for the upstream, so that the rest can be checked before one is chosen.
_UPSTREAM = {
    "apiVersion": API_VERSION,
    "kind": "Upstream",
    "metadata": {"name": "still-to-be-chosen"},
    "spec": {"protocol": "dot", "addresses": ["192.0.2.1"], "serverName": "192.0.2.1"},
}
_MAX_REFUSED = 200
_MAX_ROUNDS = 20
"""How often what is refused is taken out: a document may be refused only without another one."""
_HEADING = "Imported from {}; import.json reports what became of each setting."


class NothingTakenError(ImporterError):
    """Nothing in the file could be taken; the report says why for each item."""

    def __init__(self, message: str, report: Report) -> None:
        super().__init__(message)
        self.report = report


@dataclass(frozen=True)
class ImportResult:
    """The result of an import."""

    product: str
    report: Report
    files: dict[str, str]
    """The texts of the documents, by file name."""
    lacks_upstream: bool
    """Whether an upstream must be chosen before any query can be answered."""
    advice: list[Problem] = field(default_factory=list)
    folder: Path | None = None
    """The folder written; none in a dry run."""
    backup: Path | None = None
    """The new path of the replaced folder."""


@dataclass(frozen=True)
class DefaultPolicy:
    """The policy for the clients of no other one that is in force, and the networks that this
    Keyhole serves."""

    name: str
    networks: Sequence[str]


def import_file(
    product: str,
    file: Path,
    out: Path | None,
    *,
    replace_folder: bool = False,
    default: DefaultPolicy | None = None,
) -> ImportResult:
    """Reads the file of a product and writes documents into the folder ``out``; without ``out`` it
    only reports.

    First checks the documents as ``keyhole check`` does, and each expression in the core.
    With ``default``, the planned policy for all other clients can stand beside that one.
    The folder is written completely or not at all. Raises ``ImporterError`` if the file cannot be
    imported, ``ControlError`` if the folder exists, and ``DocumentErrors`` for invalid documents.
    """
    if out is not None:
        _check_target(out, replace_folder=replace_folder)
    report = Report()
    setup = READERS[product](file, report)
    _leave_refused_expressions(setup, report)
    planned = plan(setup, report)
    if default is not None:
        _narrow(planned, default)
    documents, advice = _checked(planned, report, setup.product)
    account(report, setup.product, setup.reasons)
    if not any(item.disposition != "left" for item in report.items):
        raise NothingTakenError(f"nothing in {file.name} could be taken", report)
    files = write(documents, _HEADING.format(setup.product))
    lacks_upstream = _lacks_upstream(documents)
    backup = None
    if out is not None:
        backup = _write(files, report, out)
        _note_import(file, out, backup, report)
    return ImportResult(setup.product, report, files, lacks_upstream, advice, out, backup)


def _narrow(documents: Sequence[Document], default: DefaultPolicy) -> None:
    """Gives the policy for the clients of no other one the networks as subjects, unless it takes
    the place of the one in force."""
    for one in documents:
        if one.kind == "Policy" and "subjects" not in one.spec and one.name != default.name:
            rest = dict(one.spec)
            one.spec.clear()
            one.spec["subjects"] = [f"cidr:{network}" for network in default.networks]
            one.spec.update(rest)


def _lacks_upstream(documents: Sequence[Document]) -> bool:
    """Whether none is asked for all names that are in no domain."""
    upstreams = (one for one in documents if one.kind == "Upstream" and not one.is_commented_out)
    return all("domains" in one.spec for one in upstreams)


def _checked(
    documents: list[Document], report: Report, product: str
) -> tuple[list[Document], list[Problem]]:
    """The documents without what is refused, which is reported, and the advice on them.

    Raises ``DocumentErrors`` where it cannot be told what is refused.
    """
    for _ in range(_MAX_ROUNDS):
        files = write(documents, _HEADING.format(product))
        with tempfile.TemporaryDirectory(prefix="keyhole-import-") as scratch:
            lacks_upstream = _lacks_upstream(documents)
            problems = _check(files, Path(scratch), lacks_upstream=lacks_upstream)
        errors = [problem for problem in problems if not problem.is_advice]
        if not errors:
            return documents, problems
        pruned = prune(documents, errors, report)
        if pruned is None:
            break
        documents = pruned
    raise DocumentErrors(problems)


def _check_target(out: Path, *, replace_folder: bool) -> None:
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise ControlError(f"{out} is not a folder; name another with --out")
    if out.exists() and not replace_folder:
        raise ControlError(
            f"{out} is there already; name another folder with --out, or give --force to put the "
            "new one in its place (the old one is kept beside it)"
        )
    if not out.absolute().parent.is_dir():
        raise ControlError(f"there is no folder {out.absolute().parent} for {out.name}")


def _leave_refused_expressions(setup: Setup, report: Report) -> None:
    """Leaves out expressions that the core refuses: only the core knows which grow too large."""
    refused = refused_expressions(list(dict.fromkeys(setup.expressions())))
    for expression, why in refused.items():
        for title in setup.without(expression):
            report.revise(Kind.RULE, title, why)


def refused_expressions(expressions: Sequence[str]) -> dict[str, str]:
    """The expressions, written between slashes, that the core refuses, with the reasons.

    They are tried together, then in halves. After so many refusals the rest is not tried.
    """
    refused: dict[str, str] = {}
    parts = [list(expressions)]
    while parts:
        some = parts.pop()
        if len(refused) >= _MAX_REFUSED:
            why = f"{_MAX_REFUSED} other expressions are too large; this one was not tried"
            refused |= dict.fromkeys(some, why)
        elif some and (found := _refusal(some)) is not None:
            middle = len(some) // 2
            if middle:
                parts += [some[middle:], some[:middle]]
            else:
                refused[some[0]] = found
    return refused


def _refusal(expressions: Sequence[str]) -> str | None:
    policy = {
        "apiVersion": API_VERSION,
        "kind": "Policy",
        "metadata": {"name": "expressions"},
        "spec": {"rules": [{"block": list(expressions)}]},
    }
    text = f"{json.dumps(policy)}\n---\n{json.dumps(_UPSTREAM)}"
    documents, problems = read_text_documents(text, "expressions", Path())
    if has_errors(problems):
        return problems[0].why
    try:
        snapshot = compile_documents(documents, 1, None).snapshot.to_json()
        judge(snapshot, [{"name": "example.org", "type": "A", "transport": "udp"}])
    except Refusal as refusal:
        return refusal.why
    return None


def _check(files: dict[str, str], folder: Path, *, lacks_upstream: bool) -> list[Problem]:
    """Returns the problems of the documents, and the advice."""
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    documents, problems = read_documents([folder])
    if lacks_upstream:
        chosen, _ = read_text_documents(json.dumps(_UPSTREAM), "still to be chosen", folder)
        documents = chosen.over(documents)
    problems += cross_check(documents)
    return sorted(set(problems))


def _write(files: dict[str, str], report: Report, out: Path) -> Path | None:
    """Writes a draft folder, then renames it; returns the new path of an old folder."""
    out = out.absolute()
    draft = out.with_name(f".{out.name}.{os.getpid()}")
    draft.mkdir()
    backup = None
    try:
        for name, text in files.items():
            write_durably(draft / name, text.encode(), SHARED_FILE)
        report_text = json.dumps(report.document(), indent=1, ensure_ascii=False)
        write_durably(draft / REPORT_FILE, report_text.encode(), SHARED_FILE)
        if out.exists():
            backup = _free_name(out)
            durable.rename(out, backup)
        durable.rename(draft, out)
    except BaseException:
        rmtree(draft, ignore_errors=True)
        if backup is not None and not out.exists():
            with suppress(OSError):
                durable.rename(backup, out)
        raise
    return backup


def _note_import(file: Path, out: Path, backup: Path | None, report: Report) -> None:
    """Leaves an entry for the audit record where the documents belong to a Keyhole already."""
    data = DataFolder(out.absolute().parent)
    if not data.state.is_dir():
        return
    detail = {
        "file": str(file),
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else None,
        "before": str(backup) if backup else None,
        "after": str(out),
        "counts": report.counts(),
    }
    make_private_folder(data.identity)
    with locked(data.identity):
        note(data.identity, Author.of_command(), "import", detail)


def _free_name(out: Path) -> Path:
    number, backup = 1, out.with_name(f"{out.name}.old")
    while backup.exists():
        number += 1
        backup = out.with_name(f"{out.name}.old-{number}")
    return backup

"""The use case behind ``keyhole import``: from another product's file to a folder of documents."""

import json
import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree

from keyhole.config.documents import read_documents, read_text_documents
from keyhole.control.data_folder import write_durably
from keyhole.control.error import ControlError
from keyhole.engine import Refusal, judge
from keyhole.errors import DocumentErrors, Problem, has_errors
from keyhole.importers import READERS, ImporterError, Kind, Report, Setup, plan, write
from keyhole.model.document import API_VERSION
from keyhole.policy import compile_documents, cross_check
from keyhole.system import durable
from keyhole.system.durable import SHARED_FILE

REPORT_FILE = "import.json"
"""What became of each thing, beside the documents; no reader of documents looks at it."""

# Stands in for the upstream that is still to be chosen, while everything else is checked.
_UPSTREAM = {
    "apiVersion": API_VERSION,
    "kind": "Upstream",
    "metadata": {"name": "still-to-be-chosen"},
    "spec": {"protocol": "dot", "addresses": ["192.0.2.1"], "serverName": "192.0.2.1"},
}
_MAX_REFUSED = 200
_HEADING = "Imported from {}; import.json tells what became of each thing."


@dataclass(frozen=True)
class ImportResult:
    """What was made of a file."""

    product: str
    report: Report
    files: dict[str, str]
    """The texts of the documents, by file name."""
    lacks_upstream: bool
    """Whether an upstream has to be chosen before anything is answered."""
    advice: list[Problem] = field(default_factory=list)
    folder: Path | None = None
    """Where it was written; none where it only could be."""
    backup: Path | None = None
    """Where the folder is now that was there before."""


def import_file(
    product: str, file: Path, out: Path | None, *, replace_folder: bool = False
) -> ImportResult:
    """Reads the file of a product and writes a folder ``out`` of documents; none only tells.

    The documents are checked together as ``keyhole check`` does, and every expression by the core,
    before any is written; the folder appears whole or not at all. Raises ``ImporterError`` where the
    file is not what it should be, ``ControlError`` where the folder is there already, and
    ``DocumentErrors`` where the documents would not be valid.
    """
    if out is not None:
        _check_target(out, replace_folder=replace_folder)
    report = Report()
    setup = READERS[product](file, report)
    _leave_refused_expressions(setup, report)
    documents = plan(setup, report)
    if not any(item.disposition != "left" for item in report.items):
        raise ImporterError(f"nothing in {file.name} could be taken")
    files = write(documents, _HEADING.format(setup.product))
    lacks_upstream = not any(
        one.kind == "Upstream" and not one.is_commented_out for one in documents
    )
    with tempfile.TemporaryDirectory(prefix="keyhole-import-") as scratch:
        advice = _check(files, Path(scratch), lacks_upstream=lacks_upstream)
    backup = None
    if out is not None:
        backup = _write(files, report, out)
    return ImportResult(setup.product, report, files, lacks_upstream, advice, out, backup)


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
    """The core has the last word on expressions: it knows what grows too large."""
    refused = refused_expressions(list(dict.fromkeys(setup.expressions())))
    if len(refused) > _MAX_REFUSED:
        raise ImporterError(
            f"{len(refused)} expressions are larger than the core takes; no export has so many"
        )
    for expression, why in refused.items():
        for title in setup.without(expression):
            report.revise(Kind.RULE, title, why)


def refused_expressions(expressions: Sequence[str]) -> dict[str, str]:
    """Which of these, written between slashes, the core refuses, with its reason."""
    why = _refusal(expressions) if expressions else None
    if why is None:
        return {}
    if len(expressions) == 1:
        return {expressions[0]: why}
    middle = len(expressions) // 2
    return {
        **refused_expressions(expressions[:middle]),
        **refused_expressions(expressions[middle:]),
    }


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
    """The advice on the documents; raises ``DocumentErrors`` where they are not valid."""
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    documents, problems = read_documents([folder])
    if lacks_upstream:
        chosen, _ = read_text_documents(json.dumps(_UPSTREAM), "still to be chosen", folder)
        documents = chosen.over(documents)
    problems += cross_check(documents)
    if has_errors(problems):
        raise DocumentErrors(problems)
    return sorted(set(problems))


def _write(files: dict[str, str], report: Report, out: Path) -> Path | None:
    """Writes the folder beside its place and then moves it there; gives where the old one is."""
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


def _free_name(out: Path) -> Path:
    number, backup = 1, out.with_name(f"{out.name}.old")
    while backup.exists():
        number += 1
        backup = out.with_name(f"{out.name}.old-{number}")
    return backup

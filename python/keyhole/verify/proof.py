"""The use case of ``keyhole verify``: a target, its checks, and the report."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Console

from keyhole.errors import KeyholeError
from keyhole.system import durable
from keyhole.system.end_signals import ended_by_exception
from keyhole.verify.check import Check
from keyhole.verify.error import VerifyError
from keyhole.verify.formats import FORMATS
from keyhole.verify.formats.table import show, show_changes, show_checks
from keyhole.verify.own_lab import attached_lab, own_lab
from keyhole.verify.run import Report, chosen, lab_target, run_checks
from keyhole.verify.server import Server
from keyhole.verify.target import Target

_NOT_WRITTEN = 2
# Another user's program collects metrics, which tell no name.
_MODES = {"prometheus": durable.SHARED_FILE}


@dataclass(frozen=True)
class Proof:
    """What is wanted: ids of checks (none means all), formats, and their files in order."""

    only: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    outputs: tuple[Path, ...] = ()

    def check(self) -> tuple[Check, ...]:
        """The checks; raises `VerifyError` where a word is wrong, before anything is attacked."""
        for word in self.formats:
            if word not in FORMATS:
                raise VerifyError(f"{word} is no format; there are {', '.join(FORMATS)}")
        files, wanted = len(self.outputs), len(self.formats)
        if files > wanted or wanted - files > 1:
            raise VerifyError(
                f"{wanted} formats for {files} files; give --format and --output in pairs, or one "
                "--format alone to print it"
            )
        for file in self.outputs:
            if not file.absolute().parent.is_dir():
                raise VerifyError(f"there is no folder {file.absolute().parent} for {file.name}")
        return chosen(self.only)


def prove(proof: Proof, server: Server | None, lab: Path | None) -> int:
    """Attacks, prints and writes; returns the exit code. Raises `KeyholeError` if nothing could be
    attacked."""
    checks = proof.check()
    report = _one_run(checks, server, lab)
    code = report.exit_code
    # First what was found: a full disk must not hide it, nor make a broken promise a mere 2.
    for tell in (partial(_print, proof, report, None), partial(_write, proof, report)):
        try:
            tell()
        except (KeyholeError, OSError) as error:
            _tell(error)
            code = code or _NOT_WRITTEN
    return code


def keep_proving(
    proof: Proof, server: Server | None, lab: Path | None, pause: Callable[[], None]
) -> None:
    """The same again and again, with a pause after each run, until it is interrupted.

    After the first report it prints only what has changed. A run that cannot begin is told, and
    leaves the files as they are: the time in them then says how old they are. Raises `KeyholeError`
    for a mistake in the words, which would be the same each time.
    """
    checks, before = proof.check(), None
    if server is not None:
        server.target()
    elif lab is not None:
        attached_lab(lab)
    while True:
        try:
            report = _one_run(checks, server, lab)
            _print(proof, report, before)
            before = report
            _write(proof, report)
        except (KeyholeError, OSError) as error:
            _tell(error)
        pause()


def _tell(error: Exception) -> None:
    print(f"error: {error}", file=sys.stderr, flush=True)


def _one_run(checks: tuple[Check, ...], server: Server | None, lab: Path | None) -> Report:
    with _target(server, lab) as target:
        return _shown(checks, target)


def list_checks(proof: Proof) -> None:
    """Prints what would be tried."""
    show_checks(Console(highlight=False, soft_wrap=True), proof.check())


@contextmanager
def _target(server: Server | None, lab: Path | None) -> Iterator[Target]:
    if server is not None:
        yield server.target()
        return
    running = nullcontext(attached_lab(lab)) if lab is not None else own_lab()
    # A signal, too, takes the documents of the checks out of the lab, and ends a lab of our own.
    with ended_by_exception(), running as ready, lab_target(ready) as target:
        yield target


def _shown(checks: tuple[Check, ...], target: Target) -> Report:
    """Runs them, and says meanwhile what is tried: on a terminal alone, and never in the report."""
    terminal = Console(stderr=True, highlight=False)
    if not terminal.is_terminal:
        return run_checks(checks, target)
    with terminal.status("begins") as status:

        def progress(one: Check, number: int, count: int) -> None:
            status.update(f"{number + 1} of {count}: {one.title}")

        return run_checks(checks, target, progress)


def _write(proof: Proof, report: Report) -> None:
    # RFC 8259 section 8.1 and the XML declaration of JUnit: UTF-8.
    for word, file in zip(proof.formats, proof.outputs, strict=False):
        durable.write_text(file, FORMATS[word](report), _MODES.get(word, durable.PRIVATE_FILE))


def _print(proof: Proof, report: Report, before: Report | None) -> None:
    console = Console(highlight=False, soft_wrap=True)
    if len(proof.formats) > len(proof.outputs):
        print(FORMATS[proof.formats[-1]](report), end="", flush=True)
    elif before is not None:
        show_changes(console, before, report)
    else:
        show(console, report)

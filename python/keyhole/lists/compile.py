"""Compiles the lists in use into one file; a list with an unusable new version stays as it was."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from keyhole.config.declaration import Declaration
from keyhole.errors import ListError, Problem
from keyhole.lists.core_protocol import (
    Compile,
    CompileReport,
    CompileRequest,
    FileRequest,
    ListRequest,
)
from keyhole.lists.download_store import DownloadStore
from keyhole.lists.entry_files import EntryFiles
from keyhole.lists.last_good import FileChangedError, LastCompiled, LastGood, LastGoodStore
from keyhole.lists.plan import COMPILER, PlannedList, fingerprint, plan
from keyhole.lists.sanity_check import implausible_change, lost_lines
from keyhole.model.list import ListSpec
from keyhole.model.snapshot import ListFile
from keyhole.system import durable

_TRIES = 3


@dataclass(frozen=True)
class CompiledLists:
    """The compiled file for the snapshot, the report, and advice for people."""

    file: ListFile
    report: CompileReport
    problems: tuple[Problem, ...]
    held: dict[str, str]
    """Why a list stayed at its last good version, by name."""
    is_reused: bool
    """Whether nothing had changed, so that the previous file is used again."""


def compile_lists(
    lists: Sequence[Declaration[ListSpec]],
    protected: Iterable[str],
    state: Path,
    compile_with: Compile,
    *,
    downloads: Path | None = None,
) -> CompiledLists | None:
    """Compiles lists, in this order, into ``state/lists-<sha256>.khl``; none if there are none.

    ``downloads`` is the state folder with the downloads, if it is another one. A list stays as it
    was where a file is missing or the new version is implausible; the problems advise of that.
    Raises `ListError`, and whatever ``compile_with`` raises; the previous file is untouched then.
    """
    if not lists:
        return None
    store, entries = LastGoodStore(state.absolute()), EntryFiles(state.absolute())
    names = sorted(set(protected))
    for tries_left in reversed(range(_TRIES)):
        try:
            planned = plan(lists, DownloadStore((downloads or state).absolute()), entries)
            compiled = _Compilation(planned, names, store, compile_with).run()
        except FileChangedError:
            if not tries_left:
                raise
        else:
            entries.drop_all_but(file.path for one in planned for file in one.files)
            return compiled
    raise AssertionError("the last try returns or raises")


def lend_compiled(state: Path, other: Path) -> None:
    """Gives the last good lists of ``state`` to the empty state folder ``other``, so that only what
    is different there is compiled."""
    LastGoodStore(state.absolute()).lend(other.absolute())


def drop_unused(state: Path, in_use: Iterable[ListFile | None]) -> list[Path]:
    """Removes compiled files that no snapshot in use names; returns the removed files.

    An engine that has a removed file open can use it until its next snapshot.
    """
    used = {Path(file.path).name for file in in_use if file is not None}
    unused = [file for file in state.glob("lists-*.khl") if file.name not in used]
    for file in unused:
        file.unlink(missing_ok=True)
    return unused


class _Compilation:
    """One compilation, with the lists that are held back."""

    def __init__(
        self,
        planned: Sequence[PlannedList],
        protected: list[str],
        store: LastGoodStore,
        compile_with: Compile,
    ) -> None:
        self._planned = planned
        self._protected = protected
        self._store = store
        self._compile_with = compile_with
        self._last_good = store.load()
        self._held: dict[str, str] = {}

    def run(self) -> CompiledLists:
        reused = self._reuse()
        if reused is not None:
            return reused
        for one in self._planned:
            error = next((file.error for file in one.files if file.contents is None), None)
            if error is not None:
                self._held[one.name] = error
        report = self._compile()
        if self._hold_implausible(report):
            report = self._compile()
        return self._finish(report)

    def _reuse(self) -> CompiledLists | None:
        last = self._last_good.compiled
        if last is None or last.fingerprint != fingerprint(self._planned, self._protected):
            return None
        if not self._store.compiled_file(last.sha256).is_file():
            return None
        self._held = last.held
        return self._result(last.report, is_reused=True)

    def _compile(self) -> CompileReport:
        request = CompileRequest(
            output=str(self._store.draft()),
            protected=self._protected,
            lists=[
                ListRequest(name=one.name, kind=one.kind, files=self._files(one))
                for one in self._planned
            ],
        )
        return CompileReport.read(self._compile_with(request.to_json()))

    def _files(self, one: PlannedList) -> list[FileRequest]:
        """The files of a list, or the copies of its last good version if it is held back."""
        paths = [file.path for file in one.files if file.contents is not None]
        if one.name in self._held:
            paths = self._copies(one) or paths
        return [FileRequest(path=str(path), format=one.format) for path in paths]

    def _copies(self, one: PlannedList) -> list[Path]:
        good = self._last_good.lists.get(one.name)
        copies = [self._store.copy_of(sha256) for sha256 in good.files.values()] if good else []
        whole = [copy for copy in copies if copy is not None]
        return whole if len(whole) == len(copies) else []

    def _hold_implausible(self, report: CompileReport) -> bool:
        """Holds back the lists with implausible changes; returns whether there are any."""
        found = False
        last = self._last_good.compiled
        if last is not None and last.compiler != COMPILER:
            return False
        for one, now in zip(self._planned, report.lists, strict=True):
            before = self._last_good.lists.get(one.name)
            if before is None or not one.guard or one.name in self._held:
                continue
            why = implausible_change(now.taken, before.taken)
            if why is not None and self._copies(one):
                self._held[one.name] = f"{why}; set guard: false to accept it"
                found = True
        return found

    def _finish(self, report: CompileReport) -> CompiledLists:
        good = {}
        for one, now in zip(self._planned, report.lists, strict=True):
            if one.name not in self._held:
                good[one.name] = self._store.save_list(one, now.taken)
            elif one.name in self._last_good.lists:
                good[one.name] = self._last_good.lists[one.name]
        file = self._store.compiled_file(report.sha256)
        try:
            durable.rename(self._store.draft(), file)
        except OSError as error:
            raise ListError(f"cannot write {file}: {error.strerror}") from error
        last = LastCompiled(
            fingerprint=fingerprint(self._planned, self._protected),
            compiler=COMPILER,
            sha256=report.sha256,
            held=self._held,
            report=report,
        )
        self._store.save(LastGood(lists=good, compiled=last))
        return self._result(report, is_reused=False)

    def _result(self, report: CompileReport, *, is_reused: bool) -> CompiledLists:
        path = self._store.compiled_file(report.sha256)
        file = ListFile(path=str(path), sha256=report.sha256)
        problems = tuple(self._problems(report))
        return CompiledLists(file, report, problems, dict(self._held), is_reused)

    def _problems(self, report: CompileReport) -> Iterable[Problem]:
        for one, now in zip(self._planned, report.lists, strict=True):
            if one.name in self._held:
                kept = "its last good version stays in use" if now.taken else "it has no entries"
                why = f"{self._held[one.name]}; {kept}"
                yield one.declared.problem(["spec", _source(one)], why, is_advice=True)
            elif now.taken == 0:
                why = "no entry could be read from its files; check the format"
                yield one.declared.problem(["spec", _source(one)], why, is_advice=True)
            elif why := lost_lines(now):
                why = f"{why}; keyhole lists status {one.name} shows some of them"
                yield one.declared.problem(["spec", _source(one)], why, is_advice=True)


def _source(one: PlannedList) -> str:
    spec = one.declared.spec
    return "files" if spec.files else "urls" if spec.urls else "entries"

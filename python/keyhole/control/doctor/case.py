"""What all looks of ``keyhole doctor`` begin with: folder, settings, and the running Keyhole."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from keyhole.config import Documents, read_config_text
from keyhole.config.files import sources
from keyhole.control.data_folder import DataFolder
from keyhole.control.declared import declared_paths
from keyhole.control.defaults import write_defaults
from keyhole.control.doctor.finding import Finding, unknown
from keyhole.control.missing_parts import as_recorded, is_used
from keyhole.control.parts import Parts, PartState
from keyhole.control.settings import Settings, settings_from
from keyhole.control.start_settings import find_settings
from keyhole.control.trust_context import read_trust_context
from keyhole.errors import DocumentErrors, KeyholeError, Problem
from keyhole.policy import load_documents


class Running(Protocol):
    """The Keyhole that runs on the folder, as it answers for itself."""

    @property
    def status(self) -> Mapping[str, Any]:
        """What ``/status`` says."""

    def ask_upstream(self, name: str) -> Mapping[str, Any]:
        """Has it ask one upstream; blocks. Raises ``KeyholeError``."""


@dataclass(frozen=True)
class Case:
    """What is looked at. No look changes anything in it."""

    data: DataFolder
    config: Path
    """The file of the settings."""
    settings: Settings | None
    """The settings that a start would take; none if no start is possible."""
    why_no_settings: str = ""
    parts: tuple[PartState, ...] = ()
    """What is wrong with the settings although a start is possible."""
    is_first: bool = False
    """Whether ``keyhole up`` has not run on the folder, and would write defaults."""
    running: Running | None = None
    documents: Path | None = None
    """The documents that a start would take: for a first one, those that it would write. None
    without settings, or with ``why_no_documents``."""
    why_no_documents: str = ""
    """Why those that a first start would write cannot be looked at."""

    _reading: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)
    """Looks are threads, and a cached property has no lock of its own from Python 3.12 on."""

    @property
    def read(self) -> "ReadDocuments":
        """The documents as a start reads them, stored ones included; once for all looks."""
        with self._reading:
            return self._read_once

    @cached_property
    def _read_once(self) -> "ReadDocuments":
        return _read(self)

    @property
    def status(self) -> Mapping[str, Any] | None:
        """What the running Keyhole says of itself; none if it does not run."""
        return self.running.status if self.running else None


def unexpected(case: Case, about: str, error: Exception) -> Finding:
    """The line of a look that ended with an error that nobody expects."""
    if isinstance(error, KeyError) and case.running is not None:
        return unknown(
            about,
            f"another version of Keyhole seems to run: its answer has no {error}",
            "start it again: systemctl restart keyhole, or end keyhole up and call it again; "
            "if this stays, report it",
        )
    why = f"the look failed because of a bug in Keyhole ({error!r}); report this"
    return unknown(about, why)


@dataclass(frozen=True)
class ReadDocuments:
    """The documents, and what is wrong with them."""

    documents: Documents | None
    """None if there are errors, and a start would refuse them."""
    problems: tuple[Problem, ...] = ()
    """Errors and advice."""
    why: str = ""
    """Why they were not read at all."""


def _read(case: Case) -> ReadDocuments:
    if case.settings is None or case.documents is None:
        return ReadDocuments(None)
    if case.settings.resolved.control_server is not None:
        return ReadDocuments(None)
    try:
        documents, advice = load_documents(
            [case.documents, *declared_paths(case.settings, case.data)[1:]],
            case.settings.resolved.own_names,
            over=case.data.stored_folders,
            context=read_trust_context(case.settings, case.data.identity),
        )
    except DocumentErrors as error:
        return ReadDocuments(None, error.problems)
    except KeyholeError as error:
        return ReadDocuments(None, why=str(error))
    return ReadDocuments(documents, tuple(advice))


@contextmanager
def open_case(
    data: DataFolder, config: Path | None, running: Running | None = None
) -> Iterator[Case]:
    """Reads the settings as a start does. Documents that a first start would write lie in a folder
    of their own until the end of the block."""
    with ExitStack() as scratch:
        yield _case(data, config, running, scratch)


def _case(
    data: DataFolder, config: Path | None, running: Running | None, scratch: ExitStack
) -> Case:
    file = config or data.config
    try:
        used = is_used(data)
        data = as_recorded(data)
        if config is None and not used and not file.exists():
            return _first(data, file, running, scratch)
        parts = Parts(lambda notice: None)
        settings = find_settings(data, file, parts)
    except KeyholeError as error:
        return Case(data, file, None, str(error), running=running)
    except OSError as error:
        why = f"{error.filename or file}: {error.strerror or error}"
        return Case(data, file, None, why, running=running)
    documents: Path | None = settings.documents
    why = ""
    if config is None and not used and not settings.documents.exists():
        documents, why = _default_documents(scratch)
    states = tuple(parts.states())
    return Case(
        data,
        file,
        settings,
        parts=states,
        is_first=not used,
        running=running,
        documents=documents,
        why_no_documents=why,
    )


def _first(data: DataFolder, file: Path, running: Running | None, scratch: ExitStack) -> Case:
    written, _ = read_config_text("", file.name)
    assert written is not None
    settings = settings_from(file, written)
    there = settings.documents
    documents, why = (there, "") if sources(there)[0] else _default_documents(scratch)
    return Case(
        data,
        file,
        settings,
        is_first=True,
        running=running,
        documents=documents,
        why_no_documents=why,
    )


def _default_documents(scratch: ExitStack) -> tuple[Path | None, str]:
    """Their folder, which is there until the end of ``scratch``; or why there is none: the disk may
    be full, which the report is to say."""
    try:
        folder = TemporaryDirectory(prefix="keyhole-doctor-", ignore_cleanup_errors=True)
        path = Path(scratch.enter_context(folder))
        write_defaults(DataFolder(path))
    except OSError as error:
        return None, f"no place to write the default documents to: {error.strerror or error}"
    except KeyholeError as error:
        return None, str(error)
    return path / "documents", ""

"""The files of names: each with what it said last, as long as it cannot be read."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from keyhole.control.settings import Settings
from keyhole.learned_names import LearnedName, NamesFileError, read_hosts, read_leases
from keyhole.system.regular_file import open_regular

MAX_OCTETS = 8 * 2**20
"""Some 100,000 leases."""
FileSource = Literal["dhcp", "hosts"]


@dataclass
class NamesFile:
    """One file that the settings name."""

    path: Path
    source: FileSource
    names: list[LearnedName] | None = None
    """What it said when it could be read last; none if it never could."""
    problem: str | None = None
    """Why it cannot be read now."""

    def read(self) -> None:
        """Reads it again. What cannot be read leaves the names as they were."""
        try:
            text, changed = _read(self.path)
            self.names = read_hosts(text) if self.source == "hosts" else read_leases(text, changed)
            self.problem = None
        except NamesFileError as error:
            self.problem = f"{self.path}: {error}"
        except OSError as error:
            self.problem = f"{self.path}: {error.strerror or error}"


@dataclass
class NamesFiles:
    """All files that the settings name."""

    files: list[NamesFile] = field(default_factory=list)

    @classmethod
    def of(cls, settings: Settings) -> "NamesFiles":
        """Those of the settings."""
        section, folder = settings.written.client_names, settings.file.absolute().parent
        named: list[tuple[FileSource, str]] = [
            *(("dhcp", one) for one in section.dhcp),
            *(("hosts", one) for one in section.hosts),
        ]
        return cls([NamesFile(folder / Path(one).expanduser(), kind) for kind, one in named])

    @property
    def paths(self) -> list[Path]:
        """Where they are."""
        return [one.path for one in self.files]

    def read(self, changed: Iterable[Path] | None = None) -> None:
        """Reads those of these paths again, or all; blocks."""
        wanted = None if changed is None else set(changed)
        for one in self.files:
            if wanted is None or one.path in wanted or one.problem is not None:
                one.read()

    def said(self, source: FileSource, before: Iterable[LearnedName]) -> list[LearnedName]:
        """What the files of a source say. Where one could not be read since the start, what was
        known ``before`` stays, since some of it is from there."""
        found = [name for one in self.files if one.source == source for name in one.names or ()]
        if any(one.source == source and one.names is None for one in self.files):
            found += [one for one in before if one.source == source]
        return found

    @property
    def problems(self) -> str | None:
        """What cannot be read, a line each; none if all can."""
        wrong = [one for one in self.files if one.problem is not None]
        lines = [f"{one.problem}; {_WHAT_STAYS[one.names is None]}" for one in wrong]
        return "\n".join(lines) or None


_WHAT_STAYS = {
    False: "the names that it had stay",
    True: "no name is learned from it until it can be read",
}


def _read(path: Path) -> tuple[str, float]:
    """The text of a file, and when it was written last, in seconds of Unix time."""
    with open_regular(path) as file:
        changed = path.stat().st_mtime
        octets = file.read(MAX_OCTETS + 1)
    if len(octets) > MAX_OCTETS:
        raise NamesFileError(f"it is larger than {MAX_OCTETS >> 20} MiB")
    # Octets that are no text are in no name that is shown.
    return octets.decode(errors="replace"), changed

"""The data folder: whether it is there, whose it is, and what room there is."""

import os
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path

from keyhole.control.data_folder import unwritable
from keyhole.control.doctor.case import Case
from keyhole.control.doctor.finding import Finding, note, warning, works, wrong
from keyhole.control.settings import Settings
from keyhole.model.units import MIB, show_octets

_OTHERS = 0o077
RESERVE = 256 * MIB
"""Room for lists and their compiled form, the database, and drafts."""
LEAST = 64 * MIB
"""With less, changes and downloads fail soon."""
LEAST_INODES, FEW_INODES = 100, 2_000


def look_at_folder(case: Case) -> Iterator[Finding]:
    """There or not, its owner and rights, room and inodes."""
    path = case.data.path
    about = f"data folder {path}"
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        yield _not_there(about, path)
        return
    if not stat.S_ISDIR(status.st_mode):
        yield wrong(about, "it is no folder", "give --data with a folder")
        return
    yield from _owner(about, path, status)
    why = unwritable(case.data)
    if why is not None:
        yield wrong(about, why, "make room, or give its owner the right to write there")
    else:
        yield works(about, "it can be written")
    for folder in _file_systems(path, case.data.query_log.parent):
        yield from _room(folder, case)


def _not_there(about: str, path: Path) -> Finding:
    above = next(one for one in path.absolute().parents if one.exists())
    if not above.is_dir():
        return wrong(about, f"{above} is no folder", "give --data with another folder")
    if os.access(above, os.W_OK | os.X_OK):
        return works(about, "it is not there yet, and keyhole up makes it")
    return wrong(
        about,
        f"it is not there, and this user may not write in {above}",
        "give --data with a folder that this user may write, or run keyhole up as root",
    )


def _owner(about: str, path: Path, status: os.stat_result) -> Iterator[Finding]:
    owner, us = status.st_uid, os.geteuid()
    if owner != us:
        name = _name(owner)
        if us == 0:
            text = f"it belongs to {name}: what root makes there, {name} may not be able to read"
            yield note(about, text, f"call commands on it as {name}: runuser -u {name} -- keyhole")
        else:
            yield warning(about, f"it belongs to {name}", f"call keyhole as {name}")
    mode = stat.S_IMODE(status.st_mode)
    if mode & _OTHERS:
        yield warning(
            about,
            f"other users may look into it (mode {mode:04o}); keyhole up takes that right away "
            "when it starts",
            f"chmod 700 {path}",
        )


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"user {user}"


def _file_systems(*folders: Path) -> list[Path]:
    """One folder of each file system; the log may lie on another one."""
    found: dict[int, Path] = {}
    for one in folders:
        if one.is_dir():
            found.setdefault(one.stat().st_dev, one)
    return list(found.values())


def _room(folder: Path, case: Case) -> Iterator[Finding]:
    about = f"room in {folder}"
    system = os.statvfs(folder)
    free = system.f_bavail * system.f_frsize
    wanted = _wanted(case.settings, case.data.query_log.parent) if case.settings else 0
    shown = f"{show_octets(free // MIB * MIB)} are free"
    if free < LEAST:
        yield wrong(about, shown, "make room: nothing is kept that changes, and no list is renewed")
    elif free < wanted + RESERVE:
        yield warning(
            about,
            f"{shown}, and query log and history may grow by {show_octets(wanted)}",
            "make room, or write less under log: in keyhole.yaml, such as history: 512MiB",
        )
    else:
        yield works(about, shown)
    # Some file systems count none.
    if system.f_files and system.f_favail < FEW_INODES:
        kind = wrong if system.f_favail < LEAST_INODES else warning
        do = "remove small files: df --inodes shows how many there are"
        yield kind(about, f"{system.f_favail} more files can be made", do)


def _wanted(settings: Settings, log: Path) -> int:
    """Octets by which query log and history may still grow."""
    section = settings.written.log
    most = section.keep + section.history
    return max(0, most - _size(log)) // MIB * MIB


def _size(folder: Path) -> int:
    total = 0
    for path, _, files in os.walk(folder):
        for name in files:
            try:
                total += Path(path, name).lstat().st_size
            except OSError:
                continue  # it was just removed
    return total

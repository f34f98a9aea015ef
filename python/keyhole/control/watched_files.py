"""Watches the files that a running Keyhole depends on."""

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any

from watchfiles._rust_notify import RustNotify, WatchfilesRustInternalError

from keyhole.control.fingerprint import Fingerprint, fingerprint

CHECK_MILLISECONDS = 1000
_STEP_MILLISECONDS, _DEBOUNCE_MILLISECONDS = 50, 400
"""Events that follow one another within a step are one change, for as long as the second says."""
_CHECKS_WITHOUT_EVENTS = 30
"""Without events: after so many checks, events are asked for again."""

Look = Callable[..., Awaitable[Any]]
"""Runs a function in a thread: a look at a file waits for as long as its system hangs."""


async def changes(
    paths: Callable[[], Iterable[Path]],
    known: Fingerprint,
    stop: asyncio.Event,
    look: Look = asyncio.to_thread,
    warn: Callable[[str], None] = lambda _: None,
) -> AsyncIterator[set[Path]]:
    """Yields the changed paths after each change, until ``stop`` is set.

    ``known`` is the state of the files when they were read, so that a change before the watch began
    is not missed. ``paths`` is called again after each change, since a new document may name new
    files. Folders are watched, not files: editors and secret mounts replace files and links instead
    of writing into them. Where the kernel gives no events, changes are found by looking, and
    ``warn`` is told why.
    """
    while not stop.is_set():
        watched: set[Path] = await look(_folders, paths())
        async with aclosing(_rounds(watched, stop, look, warn)) as rounds:
            async for _ in rounds:
                now: Fingerprint = await look(fingerprint, paths())
                changed = _different(known, now)
                known = now
                if changed:
                    yield changed
                if await look(_folders, paths()) != watched:
                    break


async def _rounds(
    folders: set[Path], stop: asyncio.Event, look: Look, warn: Callable[[str], None]
) -> AsyncGenerator[None]:
    """Yields when to check: at once, after an event, and regularly without events.

    So changes are found also on file systems that report none, and none are lost between rounds.
    """
    yield
    checks = 0
    times = (_DEBOUNCE_MILLISECONDS, _STEP_MILLISECONDS, CHECK_MILLISECONDS)
    try:
        watch: RustNotify = await look(_begin_watch, folders)
        with watch:
            while await asyncio.to_thread(watch.watch, *times, stop) != "stop":
                yield
    except FileNotFoundError:
        checks = 1  # a folder has just vanished
    except (OSError, WatchfilesRustInternalError) as error:
        # Such as the limits of inotify(7), which all programs of a user share, and the name of a
        # file that is not UTF-8.
        warn(str(error))
        checks = _CHECKS_WITHOUT_EVENTS
    for _ in range(checks):
        with suppress(TimeoutError):
            async with asyncio.timeout(CHECK_MILLISECONDS / 1000):
                await stop.wait()
        yield


def _begin_watch(folders: set[Path]) -> RustNotify:
    return RustNotify(
        [str(folder) for folder in folders],
        debug=False,
        force_polling=False,
        poll_delay_ms=CHECK_MILLISECONDS,
        recursive=False,
        ignore_permission_denied=False,
    )


def _different(old: Fingerprint, new: Fingerprint) -> set[Path]:
    return {file for file in old.keys() | new.keys() if old.get(file) != new.get(file)}


def _folders(paths: Iterable[Path]) -> set[Path]:
    """The nearest existing folders, of links and of their targets: either may be replaced."""
    folders: set[Path] = set()
    for path in paths:
        if path.is_dir():
            folders.add(path)
            folders.update(Path(place, name) for place, names, _ in os.walk(path) for name in names)
        for candidate in (path, path.resolve()):
            folder = candidate.parent
            while not folder.is_dir():
                folder = folder.parent
            folders.add(folder)
    return folders

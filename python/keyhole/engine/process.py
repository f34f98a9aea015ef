"""The engine process: loads the core, hands it snapshots, and carries answers back.

It learns what to do over the link, if its launch document names one; see ``keyhole.engine.commands``
for the commands. Without a link, or while control is away, it serves the last good snapshot.

``--supervised FD`` names a pipe on which it says, as one JSON line, ``{"ready": {"udp": [...]}}``
or ``{"refused": {"path": PLACE, "why": REASON}}``; it then drains and ends with its standard input.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from keyhole.engine import descriptors
from keyhole.engine.commands import Engine, commit, refused
from keyhole.engine.launch import Launch
from keyhole.engine.query_log_writer import QueryLogWriter
from keyhole.engine.runtime import Refusal, Runtime
from keyhole.model.parent import die_with_parent

_CHUNK = 4096


class ControlLink(Protocol):
    """What carries commands to the engine, in a thread of its own."""

    def start(self) -> None:
        """Begins to take commands."""

    def end(self) -> None:
        """Takes none from now on."""


OpenLink = Callable[[Launch, Engine], ControlLink | None]
"""Makes what carries commands to the engine; none where nobody commands it."""


def run(launch_file: Path, *, supervisor: int | None, follow: OpenLink) -> int:
    """Runs an engine until its input ends, where it has a ``supervisor`` (the descriptor of a pipe
    to it), or a signal comes; returns the exit code: 0 for a wanted end, 1 where it could not
    start, and said why."""
    say = _to_supervisor(supervisor)
    _block_signals()
    try:
        launch = Launch.read(launch_file)
        runtime = Runtime(launch.options)
        advice = descriptors.allow(launch.options["limits"]["connections"])
        if advice:
            _warn(advice)
        for name, identity in launch.identities.items():
            runtime.install_identity(name, identity.certificate, identity.key)
        number = _commit_last_good(runtime, launch.snapshot)
        addresses = runtime.start()
    except Refusal as refusal:
        say(refused(refusal))
        _warn(str(refusal))
        return 1
    journal = QueryLogWriter(runtime, launch.log, _warn) if launch.log else None
    if journal:
        journal.start()
    engine = Engine(runtime, journal, addresses, number)
    follower = follow(launch, engine)
    if follower:
        follower.start()
    say({"ready": addresses, "pid": os.getpid()})
    _unblock_signals()
    try:
        _wait_for_the_end(is_supervised=supervisor is not None)
    finally:
        if follower:
            follower.end()
        runtime.drain(launch.drain_seconds)
        if journal:
            journal.end()
    return 0


def _wait_for_the_end(*, is_supervised: bool) -> None:
    try:
        if not is_supervised:
            signal.pause()
        while sys.stdin.buffer.read(_CHUNK):
            pass  # nothing is expected, and only the end matters
    except _Ended:
        pass


class _Ended(BaseException):
    """A signal asked the process to end."""


def _commit_last_good(runtime: Runtime, path: Path) -> int | None:
    """Without a good snapshot the engine starts all the same and refuses every query: a client
    that is told why is better off than one that hears nothing."""
    try:
        return commit(runtime, path)
    except Refusal as refusal:
        _warn(f"no snapshot yet, refusing all: {refusal}")
        return None


def _to_supervisor(pipe: int | None) -> Callable[[dict[str, Any]], None]:
    if pipe is None:
        return lambda message: None
    die_with_parent()
    os.set_inheritable(pipe, False)

    def say(message: dict[str, Any]) -> None:
        # A supervisor that is gone is told nothing; the end of input follows and ends the process.
        with suppress(BrokenPipeError):
            os.write(pipe, json.dumps(message).encode() + b"\n")

    return say


def _warn(text: str) -> None:
    print(f"keyhole engine: {text}", file=sys.stderr, flush=True)


def _block_signals() -> None:
    # Threads of the core inherit the mask: signals then always reach the main thread.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})


def _unblock_signals() -> None:
    def end(_signal: int, _frame: object) -> None:
        raise _Ended

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT})

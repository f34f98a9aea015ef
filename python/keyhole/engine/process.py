"""The engine process: loads the core, hands it snapshots, and carries answers back.

Its supervisor speaks to it in JSON lines on standard input and output:

====================================================  =========================================
to the engine                                         from the engine
====================================================  =========================================
(start)                                               ``{"ready": {"udp": [...], ...}}``
``{"commit": PATH}``                                  ``{"committed": NUMBER}`` or ``refused``
``{"identity": {"name", "certificate", "key"}}``      ``{"installed": NAME}`` or ``refused``
``{"stats": true}``                                   ``{"stats": {...}}``
end of input                                          the process drains and ends
====================================================  =========================================

``refused`` is ``{"refused": {"path": PLACE, "why": REASON}}``; nothing has changed then.
"""

import ctypes
import json
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from keyhole.engine import descriptors
from keyhole.engine.journal import Journal
from keyhole.engine.launch import Launch
from keyhole.engine.runtime import Refusal, Runtime

_PR_SET_PDEATHSIG = 1


def run(launch_file: Path, *, supervised: bool) -> int:
    """Runs an engine until its input ends (``supervised``) or a signal comes; returns the exit
    code: 0 for a wanted end, 1 where it could not start."""
    if supervised:
        _die_with_parent()
    _block_signals()
    try:
        launch = Launch.read(launch_file)
        runtime = Runtime(launch.options)
        advice = descriptors.allow(launch.options["limits"]["connections"])
        if advice:
            _warn(advice)
        for name, identity in launch.identities.items():
            runtime.install_identity(name, identity.certificate, identity.key)
        _commit_last_good(runtime, launch.snapshot)
        addresses = runtime.start()
    except Refusal as refusal:
        _say(sys.stdout, _refused(refusal))
        _warn(str(refusal))
        return 1
    journal = Journal(runtime, launch.log, _warn) if launch.log else None
    if journal:
        journal.start()
    _say(sys.stdout, {"ready": addresses, "pid": os.getpid()})
    _unblock_signals()
    try:
        if supervised:
            _obey(Engine(runtime, journal), sys.stdin, sys.stdout)
        else:
            signal.pause()
    except _Ended:
        pass
    finally:
        runtime.drain(launch.drain_seconds)
        if journal:
            journal.end()
    return 0


@dataclass(frozen=True)
class Engine:
    """What obeys: the core, and the thread that writes its events down."""

    runtime: Runtime
    journal: Journal | None

    def stats(self) -> dict[str, Any]:
        """Everything that is counted, in the core and beside it."""
        log = self.journal.counts() if self.journal else None
        return {**self.runtime.stats(), "log": log}


class _Ended(BaseException):
    """A signal asked the process to end."""


def _obey(engine: Engine, commands: TextIO, answers: TextIO) -> None:
    for line in commands:
        try:
            answer = _answer(engine, json.loads(line))
        except Refusal as refusal:
            answer = _refused(refusal)
        except ValueError as error:
            answer = _refused(Refusal("command", f"not JSON: {error}"))
        _say(answers, answer)


def _answer(engine: Engine, command: dict[str, Any]) -> dict[str, Any]:
    match command:
        case {"commit": str(path)}:
            return {"committed": _commit(engine.runtime, Path(path))}
        case {"identity": {"name": str(name), "certificate": str(certificate), "key": str(key)}}:
            engine.runtime.install_identity(name, Path(certificate), Path(key))
            return {"installed": name}
        case {"stats": True}:
            return {"stats": engine.stats()}
    raise Refusal("command", "give commit, identity or stats")


def _commit(runtime: Runtime, path: Path) -> int:
    try:
        snapshot = path.read_bytes()
    except OSError as error:
        raise Refusal("", f"cannot read {path}: {error.strerror}") from error
    return runtime.commit(snapshot)


def _commit_last_good(runtime: Runtime, path: Path) -> None:
    """Without a good snapshot the engine starts all the same and refuses every query: a client
    that is told why is better off than one that hears nothing."""
    try:
        _commit(runtime, path)
    except Refusal as refusal:
        _warn(f"no snapshot yet, refusing all: {refusal}")


def _refused(refusal: Refusal) -> dict[str, Any]:
    return {"refused": {"path": refusal.path, "why": refusal.why}}


def _say(stream: TextIO, message: dict[str, Any]) -> None:
    try:
        stream.write(json.dumps(message) + "\n")
        stream.flush()
    except BrokenPipeError:
        # The supervisor is gone; the end of input follows and ends the process in order.
        pass


def _warn(text: str) -> None:
    print(f"keyhole engine: {text}", file=sys.stderr, flush=True)


def _die_with_parent() -> None:
    """Asks the kernel for SIGTERM when the supervisor dies, even by kill -9."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def _block_signals() -> None:
    # Threads of the core inherit the mask: signals then always reach the main thread.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})


def _unblock_signals() -> None:
    def end(_signal: int, _frame: object) -> None:
        raise _Ended

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT})

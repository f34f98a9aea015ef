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
from pathlib import Path
from typing import Any, TextIO

from keyhole.engine import descriptors
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
            print(f"keyhole engine: {advice}", file=sys.stderr, flush=True)
        for name, identity in launch.identities.items():
            runtime.install_identity(name, identity.certificate, identity.key)
        _commit_last_good(runtime, launch.snapshot)
        addresses = runtime.start()
    except Refusal as refusal:
        _say(sys.stdout, _refused(refusal))
        print(f"keyhole engine: {refusal}", file=sys.stderr, flush=True)
        return 1
    _say(sys.stdout, {"ready": addresses, "pid": os.getpid()})
    _unblock_signals()
    try:
        if supervised:
            _obey(runtime, sys.stdin, sys.stdout)
        else:
            signal.pause()
    except _Ended:
        pass
    finally:
        runtime.drain(launch.drain_seconds)
    return 0


class _Ended(BaseException):
    """A signal asked the process to end."""


def _obey(runtime: Runtime, commands: TextIO, answers: TextIO) -> None:
    for line in commands:
        try:
            answer = _answer(runtime, json.loads(line))
        except Refusal as refusal:
            answer = _refused(refusal)
        except ValueError as error:
            answer = _refused(Refusal("command", f"not JSON: {error}"))
        _say(answers, answer)


def _answer(runtime: Runtime, command: dict[str, Any]) -> dict[str, Any]:
    match command:
        case {"commit": str(path)}:
            return {"committed": _commit(runtime, Path(path))}
        case {"identity": {"name": str(name), "certificate": str(certificate), "key": str(key)}}:
            runtime.install_identity(name, Path(certificate), Path(key))
            return {"installed": name}
        case {"stats": True}:
            return {"stats": runtime.stats()}
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
        print(f"keyhole engine: no snapshot yet, refusing all: {refusal}", file=sys.stderr)


def _refused(refusal: Refusal) -> dict[str, Any]:
    return {"refused": {"path": refusal.path, "why": refusal.why}}


def _say(stream: TextIO, message: dict[str, Any]) -> None:
    try:
        stream.write(json.dumps(message) + "\n")
        stream.flush()
    except BrokenPipeError:
        # The supervisor is gone; the end of input follows and ends the process in order.
        pass


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

"""A process that has imported what a resolver needs, and forks `keyhole up` and labs from itself.

To import control takes a second of a processor, four fifths of a start, and hundreds of tests need
a start that is not what they are about. What is forked runs the same code from ``main`` on: it has
its own process ID, session, files, environment and command line, and so have the processes that
`keyhole up` starts; all else that processes inherit is that of the test (`inherited`). Only the
interpreter and its modules are not loaded once more, and passwords are hashed with little work
(`hash_cheaply`).

Run as ``python -m tests.world.fork_server FD ROOM``, with a socket of `tests.world.forked`; it ends
when that is closed. ``ROOM`` is an argument as long as the longest command line.
"""

import asyncio
import atexit
import ctypes
import gc
import inspect
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import keyhole.__main__
from keyhole.accounts.passwords import Passwords
from keyhole.system.collector import only_imports

MODULES = (
    *("keyhole.cli.up", "keyhole.cli.run_up", "keyhole.cli.control", "keyhole.cli.control_process"),
    *("keyhole.cli.engine", "keyhole.engine.process", "keyhole.link.session"),
    *("keyhole.lab.command", "keyhole.lab.run", "keyhole.lab.processes"),
    # What control imports after its start.
    *("keyhole.store.migrate", "sqlalchemy.dialects.sqlite", "uvicorn.lifespan.off"),
    *("uvicorn.protocols.http.auto", "anyio._backends._asyncio"),
)
MAX_MESSAGE = 1 << 18
_FIRST_FILE = 3
_COMMAND = (sys.executable, "-m", "keyhole")
_ALWAYS_IGNORED = (signal.SIGPIPE, signal.SIGXFSZ)
"""Those that a new interpreter ignores, whatever it inherits."""
_LIMITS = {value for name, value in vars(resource).items() if name.startswith("RLIMIT_")}
_ARGUMENTS_BEGIN, _ARGUMENTS_END = 45, 46
"""Where /proc/PID/stat says it, after the name of the process (proc(5), arg_start)."""


def hash_cheaply() -> None:
    """The same algorithm with the least work, for each `Passwords` that names no parameters.

    Each new data folder gets a one-time password: to hash it as people need takes a third of what
    is left of a start. What a server takes is proven in `tests/unit/accounts/test_passwords.py`.
    """
    Passwords.__init__.__kwdefaults__ = {"passes": 1, "kibibytes": 8, "lanes": 1}


def serve(requests: socket.socket) -> None:
    """Answers until the other end is closed."""
    while message := requests.recv(MAX_MESSAGE):
        asked: dict[str, Any] = json.loads(message)
        requests.send(json.dumps(_answer(asked)).encode())


def _answer(asked: dict[str, Any]) -> int | None:
    """The number of a new process, or the exit code of an earlier one; nothing to who only wants to
    know that this process has imported all."""
    if "words" in asked:
        return _start(asked)
    return _look(asked["pid"]) if "pid" in asked else None


def _look(pid: int) -> int | None:
    """The exit code of a process that has ended."""
    ended, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if ended else None


def _start(asked: dict[str, Any]) -> int:
    pid = os.fork()
    if not pid:
        os.setsid()
        os.chdir(asked["folder"])
        os.environ.clear()
        os.environ.update(asked["environment"])
        time.tzset()
        output = os.open(asked["log"], os.O_WRONLY)
        if asked["words"][0] == "up":  # a lab has threads when it starts processes
            subprocess.Popen = _Forking  # type: ignore[assignment,misc]
        files = {0: os.open(os.devnull, os.O_RDONLY), 1: output, 2: output}
        _become(asked["words"], files, (), asked["inherited"])
    return pid


class _Forking(subprocess.Popen[bytes]):
    """Forks the processes that `keyhole up` starts, with the files that they would be given."""

    def _execute_child(self, *given: Any) -> None:
        usual = super()._execute_child  # type: ignore[misc]
        asked = inspect.signature(usual).bind(*given).arguments
        command, ends = tuple(asked["args"]), (asked["c2pwrite"], asked["errwrite"])
        is_ours = command[: len(_COMMAND)] == _COMMAND and asked["p2cread"] != -1
        if not is_ours or asked["env"] is not None or ends != (-1, -1):
            usual(*given)
            return
        self.pid = os.fork()
        if not self.pid:
            os.setpgid(0, asked["process_group"])
            files = {0: asked["p2cread"]}
            _become(command[len(_COMMAND) :], files, asked["pass_fds"])
        self._child_created = True
        os.close(asked["p2cread"])


def inherited() -> dict[str, Any]:
    """What a process that this one starts has of it, besides folder, files and environment.

    A test may have changed it since the fork server started.
    """
    status = Path("/proc/self/status").read_text()
    numbers = signal.valid_signals() - set(_ALWAYS_IGNORED)
    return {
        # Read without a change: other threads of the test make files.
        "umask": int(status.partition("\nUmask:")[2].split()[0], 8),
        "limits": {number: resource.getrlimit(number) for number in _LIMITS},
        "nice": os.getpriority(os.PRIO_PROCESS, 0),
        "processors": sorted(os.sched_getaffinity(0)),
        "ignored": sorted(one for one in numbers if signal.getsignal(one) is signal.SIG_IGN),
        "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
    }


def inherit(state: dict[str, Any]) -> None:
    """Takes over what `inherited` tells of the process of the test."""
    os.umask(state["umask"])
    for number, limits in state["limits"].items():
        if resource.getrlimit(int(number)) != tuple(limits):
            resource.setrlimit(int(number), tuple(limits))
    if os.getpriority(os.PRIO_PROCESS, 0) != state["nice"]:
        os.setpriority(os.PRIO_PROCESS, 0, state["nice"])
    os.sched_setaffinity(0, state["processors"])
    for one in signal.valid_signals() - set(_ALWAYS_IGNORED):
        is_ignored, wanted = signal.getsignal(one) is signal.SIG_IGN, one in state["ignored"]
        if is_ignored != wanted:
            signal.signal(one, signal.SIG_IGN if wanted else signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, state["blocked"])


def _become(
    words: Sequence[str],
    files: dict[int, int],
    kept: Sequence[int],
    state: dict[str, Any] | None = None,
) -> NoReturn:
    """Runs a command of Keyhole in this process, which was just forked, to its end. ``state`` is of
    the process that asked for it; none where that is the one which was forked."""
    code = 1
    try:
        # Objects of before own files by number: one that vanishes would close one of ours.
        gc.freeze()
        for number, file in files.items():
            os.dup2(file, number)
        begin = _FIRST_FILE
        for file in sorted(kept):
            os.closerange(begin, file)
            begin = file + 1
        os.closerange(begin, os.sysconf("SC_OPEN_MAX"))
        _forget_signals()
        if state is not None:
            inherit(state)
        if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        asyncio._set_running_loop(None)
        _show([*_COMMAND, *words])
        sys.modules["__main__"] = keyhole.__main__
        sys.argv = [str(keyhole.__main__.__file__), *words]
        code = _exit_code(words)
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
    except BaseException:  # noqa: BLE001  (nothing may go on behind this)
        traceback.print_exc()
    finally:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _exit_code(words: Sequence[str]) -> int:
    try:
        return keyhole.__main__.main()
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        return end.code if isinstance(end.code, int) else int(end.code is not None)


def _forget_signals() -> None:
    """What a new interpreter begins with."""
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals():
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _show(command: Sequence[str]) -> None:
    """Has the kernel tell this command line of the process (proc(5), cmdline)."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    begin, end = int(fields[_ARGUMENTS_BEGIN]), int(fields[_ARGUMENTS_END])
    text = "\0".join(command).encode() + b"\0"
    assert len(text) <= end - begin, f"no room for {command}"
    ctypes.memmove(begin, text.ljust(end - begin, b"\0"), end - begin)


if __name__ == "__main__":
    with only_imports():
        for each in MODULES:
            import_module(each)
    hash_cheaply()
    serve(socket.socket(fileno=int(sys.argv[1])))

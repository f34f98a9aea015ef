"""The engine process: loads the core and executes commands from control.

Commands arrive over the link, if the launch document names one; see ``keyhole.engine.commands``.
Without a link, or while control is not running, it serves the last good snapshot.

``--supervised FD`` names a pipe for one JSON line: ``{"ready": {"udp": [...]}}`` or
``{"refused": {"path": PLACE, "why": REASON}}``. The end of standard input makes it drain and exit.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from keyhole.engine.commands import Engine, Policy, refused
from keyhole.engine.launch import Launch, QueryLog
from keyhole.engine.presence import Presence
from keyhole.engine.query_log_writer import QueryLogWriter
from keyhole.engine.runtime import Refusal, Runtime, catalogue
from keyhole.engine.warning import warn
from keyhole.engine.withdrawal import FILE, Withdrawal
from keyhole.model.address import read_listener
from keyhole.system import fd_limit
from keyhole.system.heap import return_large_buffers
from keyhole.system.installation import was_there
from keyhole.system.parent_death import die_with_parent

if TYPE_CHECKING:
    from keyhole.engine.health import HealthThread
    from keyhole.engine.trace_exporter import TraceExporter

_CHUNK = 4096


class ControlLink(Protocol):
    """Receives commands for the engine, in threads of its own."""

    def start(self) -> None:
        """Starts to receive commands."""

    def end(self) -> None:
        """Stops receiving commands."""


OpenLink = Callable[[Launch, Engine], ControlLink | None]
"""Creates the link to control; ``None`` if the launch document names no link."""


def run(
    launch_file: Path,
    *,
    supervisor: int | None,
    open_link: OpenLink,
    counts: int | None = None,
) -> int:
    """Runs an engine until a signal, or until its input ends if it has a ``supervisor`` (the
    descriptor of a pipe). ``counts`` is the descriptor of memory for the counts of queries.

    Returns the exit code: 0 after a requested end, 1 if it could not start; then the reason was
    printed.
    """
    say = _to_supervisor(supervisor)
    _block_signals()
    return_large_buffers()
    try:
        launch = Launch.read(launch_file)
        runtime = _runtime(launch, counts)
        advice = fd_limit.raise_limit(launch.options["limits"]["connections"])
        if advice:
            warn(advice)
        _install_identities(runtime, launch)
        policy = Policy(runtime)
        _commit_last_good(policy, launch)
        addresses = runtime.start()
    except Refusal as refusal:
        say(refused(refusal))
        warn(str(refusal))
        return 1
    log_writer = _log_writer(runtime, launch.log) if launch.log else None
    if log_writer:
        log_writer.start()
    traces = _export_traces(runtime, launch)
    engine = Engine(runtime, log_writer, addresses, policy, traces)
    link = open_link(launch, engine)
    if link:
        link.start()
    health = _serve_health(engine, launch)
    presence = Presence(launch_file.with_name("engine.lock"))
    presence.start()
    say({"ready": addresses, "pid": os.getpid()})
    _unblock_signals()
    try:
        _wait_for_the_end(is_supervised=supervisor is not None)
    finally:
        if health:
            health.drain()
        if link:
            link.end()
        runtime.drain(launch.drain_seconds)
        _end(log_writer, traces, health)
        presence.end()
    return 0


def _runtime(launch: Launch, counts: int | None) -> Runtime:
    """The core. Where it cannot use the memory for counts, it counts in its own: an engine that
    answers is worth more."""
    if counts is not None:
        os.set_inheritable(counts, False)
        with suppress(Refusal):
            return Runtime({**launch.options, "counts": counts})
    return Runtime(launch.options)


class _Ends(Protocol):
    def end(self) -> None:
        """Finishes what is left."""


def _end(*parts: _Ends | None) -> None:
    for part in parts:
        if part is not None:
            part.end()


def _log_writer(runtime: Runtime, log: QueryLog) -> QueryLogWriter:
    outcomes = {one["word"]: one["outcome"] for one in catalogue()["reasons"]}
    return QueryLogWriter(runtime, log, warn, outcomes)


def _export_traces(runtime: Runtime, launch: Launch) -> "TraceExporter | None":
    if launch.traces is None:
        return None
    from keyhole.engine.trace_exporter import TraceExporter

    exporter = TraceExporter(runtime.take_traces, launch.traces, warn)
    exporter.start()
    return exporter


def _serve_health(engine: Engine, launch: Launch) -> "HealthThread | None":
    if not launch.health:
        return None
    # Imported here: queries are answered already.
    from keyhole.engine.health import HealthThread

    thread = HealthThread(engine, [read_listener(one) for one in launch.health], warn)
    thread.start()
    return thread


def _wait_for_the_end(*, is_supervised: bool) -> None:
    try:
        if not is_supervised:
            signal.pause()
        while sys.stdin.buffer.read(_CHUNK):
            pass  # only the end of input matters
    except _Ended:
        pass


class _Ended(BaseException):
    """A signal asked the process to end."""


def _install_identities(runtime: Runtime, launch: Launch) -> None:
    """Installs the certificates. One that cannot be used costs TLS with it and nothing else:
    handshakes fail until control has another one."""
    for name, identity in launch.identities.items():
        try:
            runtime.install_identity(name, identity.certificate, identity.key)
        except Refusal as refusal:
            warn(f"no certificate for {name} yet: {refusal}")


def _commit_last_good(policy: Policy, launch: Launch) -> None:
    """Activates the last good snapshot, or its copy. Without one the engine still starts and
    refuses every query: a refusal with a reason is better for a client than no answer."""
    refusals = []
    try:
        policy.withdraw(_withdrawal(launch))
    except Refusal as refusal:
        warn(f"no snapshot yet, refusing all: {refusal}")
        return
    for path in (launch.snapshot, launch.copy):
        if path is not None:
            try:
                policy.commit(path)
                return
            except Refusal as refusal:
                refusals.append(str(refusal))
    warn(f"no snapshot yet, refusing all: {'; '.join(refusals)}")


def _withdrawal(launch: Launch) -> Withdrawal | None:
    """What was taken away before this start."""
    file = launch.snapshot.with_name(FILE)
    try:
        found = Withdrawal.read(file)
        if found is None and was_there(file):
            raise Refusal(str(file), "is gone")
        return found
    except Refusal as refusal:
        if launch.options["mesh"]["trust_domains"]:
            # A mesh could still name whom we revoked.
            raise
        warn(f"no certificate and no token is accepted: {refusal}")
        return Withdrawal.of_everything()


def _to_supervisor(pipe: int | None) -> Callable[[dict[str, Any]], None]:
    if pipe is None:
        return lambda message: None
    die_with_parent()
    os.set_inheritable(pipe, False)

    def say(message: dict[str, Any]) -> None:
        # If the supervisor is gone, the end of input follows and ends the process.
        with suppress(BrokenPipeError):
            os.write(pipe, json.dumps(message).encode() + b"\n")

    return say


def _block_signals() -> None:
    # The core's threads inherit the mask, so signals always reach the main thread.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})


def _unblock_signals() -> None:
    def end(_signal: int, _frame: object) -> None:
        raise _Ended

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT})

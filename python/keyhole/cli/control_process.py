"""Runs the control process, from its first output to its shutdown."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Group
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from keyhole.api.network import Listener, bind_usable, release
from keyhole.api.server import ApiServer
from keyhole.cli.output import console, show_notice
from keyhole.control.control_plane import ControlPlane
from keyhole.control.data_folder import DataFolder
from keyhole.control.defaults import write_defaults
from keyhole.control.engine_host import EngineHost
from keyhole.control.health import serve_health
from keyhole.control.local_engine import ExternalEngine
from keyhole.control.missing_parts import begin_record, is_used
from keyhole.control.notice import Notice, Severity
from keyhole.control.parts import DISK, Parts
from keyhole.control.shutdown import end_on_signals, end_with_input
from keyhole.control.start_settings import find_settings
from keyhole.control.startup import open_services
from keyhole.control.upstream_monitor import UpstreamMonitor, without_certificate
from keyhole.system.heap import collect_start, return_large_buffers, share_arenas
from keyhole.system.operation_log import is_json
from keyhole.system.parent_death import die_with_parent


@dataclass(frozen=True)
class Installation:
    """A data folder, and its settings file if that lies elsewhere."""

    data: DataFolder
    config: Path | None


@dataclass(frozen=True)
class Start:
    """How the process starts: as a restart, which prints only changes; while the engine runs."""

    is_restart: bool
    engine_runs: bool


ENGINE_SECONDS = 2.0
"""Limit for a start that has to end to wait for its engine. Once that is there, the start is
completed: what the engine serves is saved as the last good snapshot."""
THREADS = 32
"""For work that waits for disk or database; each begins when it is needed."""

_WORDS = {
    "udp": "DNS over UDP",
    "tcp": "DNS over TCP",
    "dot": "DNS over TLS",
    "doh": "DNS over HTTPS",
    "doh_cleartext": "DoH without TLS",
    "mesh": "DNS for a mesh",
}


async def run(installation: Installation, pipe: int | None, start: Start) -> None:
    """Runs until SIGTERM or Ctrl-C.

    With ``pipe``, it tells a supervisor there that the engine may start, and also ends when
    standard input closes. It prints where Keyhole serves.
    """
    if pipe is None:
        installation.data.make()
        with closing(await installation.data.claim()):
            await _serve_until_end(installation, None, start)
        return
    await _serve_until_end(installation, pipe, start)


async def _serve_until_end(installation: Installation, pipe: int | None, start: Start) -> None:
    return_large_buffers()
    share_arenas()
    # Python's default on two processors, six, is less than one caller of the API may use.
    threads = ThreadPoolExecutor(THREADS, thread_name_prefix="control")
    asyncio.get_running_loop().set_default_executor(threads)
    end, engine = end_on_signals(), ExternalEngine(pipe, runs_already=start.engine_runs)
    serving = asyncio.create_task(_serve(installation, engine, end, start))
    tasks: list[asyncio.Task[Any]] = [asyncio.create_task(end.wait())]
    if pipe is not None:
        die_with_parent()
        tasks.append(asyncio.create_task(end_with_input(end)))
    await asyncio.wait({serving, *tasks}, return_when=asyncio.FIRST_COMPLETED)
    try:
        await _end_start(serving, engine)
        with suppress(asyncio.CancelledError):
            await serving
    finally:
        for task in tasks:
            task.cancel()


async def _end_start(serving: asyncio.Task[None], engine: ExternalEngine) -> None:
    """Cancels a start that waits for an engine, which may never come."""
    coming = asyncio.create_task(engine.has_come.wait())
    await asyncio.wait(
        {serving, coming}, timeout=ENGINE_SECONDS, return_when=asyncio.FIRST_COMPLETED
    )
    coming.cancel()
    if not engine.has_come.is_set():
        serving.cancel()


async def _serve(
    installation: Installation, engine: ExternalEngine, end: asyncio.Event, start: Start
) -> None:
    terminal = console()

    def notify(notice: Notice) -> None:
        show_notice(terminal, notice, "control")

    data, again = installation.data, start.is_restart
    parts = Parts(notify)
    with parts.recorded(DISK, OSError):
        begin_record(data)
    if installation.config is None and not again and not is_used(data):
        for path in write_defaults(data):
            notify(Notice(Severity.SUCCESS, f"wrote {path}"))
    settings = find_settings(data, installation.config or data.config, parts)
    if not again:
        for advice in settings.advice:
            notify(Notice(Severity.WARNING, advice))
    if settings.resolved.control_server is not None:
        host = EngineHost(settings, data, engine, notify)
        await _serve_engine_host(host, end, again=again)
        return
    control_plane = ControlPlane(settings, data, notify, engine, parts)
    listeners = bind_usable(settings.written.api, parts)
    try:
        async with control_plane:
            engine.settle()
            if not again:
                if is_json():
                    notify(Notice(Severity.SUCCESS, "Keyhole serves", _addresses(control_plane)))
                else:
                    terminal.print(panel(control_plane, data, listeners), soft_wrap=False)
            asked = without_certificate(
                control_plane.addresses, settings.written.client_certificates
            )
            watch = asyncio.create_task(
                UpstreamMonitor(control_plane.stats, asked, notify, control_plane.own_mark).watch()
            )
            # DNS is served already: lists and database may be slow.
            async with open_services(control_plane, data, notify) as services:
                # While nobody can ask yet: no other thread runs meanwhile.
                await asyncio.to_thread(collect_start)
                async with (
                    ApiServer(services, notify, listeners),
                    serve_health(services, notify),
                ):
                    if again:
                        text = "lists, query log and API continue"
                        notify(Notice(Severity.SUCCESS, text))
                    await end.wait()
            watch.cancel()
    finally:
        release(listeners)


async def _serve_engine_host(engine_host: EngineHost, end: asyncio.Event, *, again: bool) -> None:
    await engine_host.start()
    if not again:
        engine_host.greet()
    renewal = asyncio.create_task(engine_host.run())
    await end.wait()
    renewal.cancel()


def _addresses(control_plane: ControlPlane) -> tuple[str, ...]:
    return tuple(
        f"{_WORDS[transport]}: {', '.join(addresses)}"
        for transport, addresses in control_plane.addresses.items()
        if addresses
    )


def panel(control_plane: ControlPlane, data: DataFolder, listeners: Sequence[Listener]) -> Panel:
    """Addresses, commands to try, and the files that a user may change."""
    where = Table.grid(padding=(0, 2))
    for transport, words in _WORDS.items():
        if addresses := control_plane.addresses.get(transport):
            where.add_row(f"[bold]{words}[/]", escape(", ".join(addresses)))
    if control_plane.enrollment:
        where.add_row("[bold]enrollment[/]", escape(", ".join(control_plane.enrollment)))
    if control_plane.fleet is not None:
        where.add_row("[bold]link[/]", escape(", ".join(control_plane.fleet.addresses)))
    if listeners:
        where.add_row("[bold]API[/]", escape(", ".join(one.url for one in listeners)))
    files = Table.grid(padding=(0, 2))
    files.add_column()
    files.add_column(overflow="fold")
    files.add_column(no_wrap=True)
    files.add_row(
        "settings",
        escape(str(control_plane.settings.file)),
        "[dim]used at the next start[/]",
    )
    files.add_row(
        "documents", escape(str(control_plane.settings.documents)), "[dim]used at once[/]"
    )
    if control_plane.settings.server_identity is None:
        root = data.identity / "root.pem"
        files.add_row("trust", escape(str(root)), "[dim]root for DoT and DoH clients[/]")
    tries = "\n".join(f"  {escape(line)}" for line in _tries(control_plane, data))
    role = control_plane.settings.resolved.options.role
    return Panel(
        Group(where, "", files, "", "[bold]Try[/]", tries),
        title=f"Keyhole {role}",
        border_style="green",
        expand=False,
    )


def _tries(control_plane: ControlPlane, data: DataFolder) -> list[str]:
    tries = []
    ca = "" if control_plane.settings.server_identity else f" --ca {data.identity / 'root.pem'}"
    for transport, option in (("udp", ""), ("tcp", " --tcp"), ("dot", f" --tls{ca}")):
        if addresses := control_plane.addresses.get(transport):
            tries.append(f"keyhole dig @{addresses[0]}{option} example.org")
    tries.append(f"keyhole explain --data {data.path} example.org")
    return tries

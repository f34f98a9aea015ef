"""Runs one lab: chooses ports, starts its processes, waits for the end, and stops them."""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from keyhole.control.notice import Notice, Severity
from keyhole.control.shutdown import end_on_signals
from keyhole.errors import KeyholeError
from keyhole.lab.layout import Layout
from keyhole.lab.panel import Counts, line, panel
from keyhole.lab.ports import choose_ports
from keyhole.lab.processes import LabProcesses, ready_document
from keyhole.system import durable

_STYLES = {
    Severity.SUCCESS: "green",
    Severity.INFO: "cyan",
    Severity.WARNING: "yellow",
    Severity.ERROR: "red",
}
# A terminal shows the status line often; a file or a log only sometimes.
LIVE_SECONDS, PLAIN_SECONDS = 1.0, 30.0
PLAIN_WIDTH = 160


@dataclass(frozen=True)
class LabOptions:
    """The first of its ports, if it is to be a certain one, and the OTLP receiver of traces."""

    port_base: int | None = None
    traces: str | None = None


def run_lab(
    options: LabOptions, ready_file: Path | None, data: Path | None, seconds: float | None
) -> int:
    """Runs a lab until a signal, the end of its time, or the end of a part. Gives the exit code."""
    try:
        if data is not None:
            return asyncio.run(_run_until_end(Layout(data), options, ready_file, seconds))
        with tempfile.TemporaryDirectory(prefix="keyhole-lab-") as folder:
            return asyncio.run(_run_until_end(Layout(Path(folder)), options, ready_file, seconds))
    finally:
        if ready_file is not None:
            ready_file.unlink(missing_ok=True)


async def _run_until_end(
    layout: Layout, options: LabOptions, ready_file: Path | None, seconds: float | None
) -> int:
    console = Console(highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = PLAIN_WIDTH  # wide enough that commands to copy are not wrapped
    end = end_on_signals()
    starting = asyncio.create_task(_run_processes(layout, options, ready_file, console))
    end_requested = asyncio.create_task(end.wait())
    await asyncio.wait(
        {starting, end_requested}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
    )
    end_requested.cancel()
    if starting.done():
        return starting.result()
    starting.cancel()
    with suppress(asyncio.CancelledError):
        await starting
    return 0


async def _run_processes(
    layout: Layout, options: LabOptions, ready_file: Path | None, console: Console
) -> int:
    def notify(notice: Notice) -> None:
        console.print(f"[{_STYLES[notice.severity]}]{escape(notice.text)}[/]")
        for detail in notice.details:
            console.print(f"    {escape(detail)}")

    ports = choose_ports(options.port_base)
    async with LabProcesses(layout, ports, notify, options.traces) as processes:
        await processes.start_workloads()
        console.print(panel(processes, await processes.login_link()), soft_wrap=False)
        if ready_file is not None:
            durable.write_json(ready_file, ready_document(processes), durable.SHARED_FILE)
        exit_watch = asyncio.create_task(processes.first_exit())
        background = [
            asyncio.create_task(_summarize(processes, console)),
            asyncio.create_task(processes.renew_svids()),
        ]
        try:
            name = await exit_watch
        finally:
            for task in (exit_watch, *background):
                task.cancel()
        console.print(f"[red]the part {name} ended unexpectedly; the lab ends[/]")
        return 1


async def _summarize(processes: LabProcesses, console: Console) -> None:
    """Shows the status line: updated in place on a terminal, as rare plain lines elsewhere."""
    if not console.is_terminal:
        async for text in _lines(processes, PLAIN_SECONDS):
            console.print(text)
    with console.status("the workloads start", spinner="dots") as status:
        async for text in _lines(processes, LIVE_SECONDS):
            status.update(text)


async def _lines(processes: LabProcesses, seconds: float) -> AsyncIterator[str]:
    before, then = 0, time.monotonic()
    while True:
        await asyncio.sleep(seconds)
        try:
            counts = Counts.read(await processes.resolver.stats())
        except KeyholeError:
            yield "[yellow]the resolver is restarting[/]"
            continue
        now = time.monotonic()
        # A restarted engine counts from zero.
        rate = max(counts.queries - before, 0) / (now - then)
        before, then = counts.queries, now
        yield line(counts, rate)

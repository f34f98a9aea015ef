"""The lab's processes: started in the order of their dependencies, and ended together."""

import asyncio
import json
import sys
from contextlib import AsyncExitStack, suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Self

from keyhole.control.control_plane import ControlPlane
from keyhole.control.data_folder import DataFolder
from keyhole.control.notice import Notice, Notify, Severity
from keyhole.control.settings import read_settings
from keyhole.errors import KeyholeError
from keyhole.lab.error import LabError
from keyhole.lab.layout import Layout, create_layout
from keyhole.lab.ports import Ports
from keyhole.lab.workload_profiles import TV_NAME
from keyhole.lab.workloads import Target
from keyhole.system.parent_death import environment_for_child

if TYPE_CHECKING:
    from keyhole.control.graph import Neighbor
    from keyhole.control.services import Services

_READY_SECONDS = 20.0
_RENEWAL_SECONDS = 2.0


class LabProcesses:
    """Internet, forwarder, resolver and workloads; an async context manager."""

    def __init__(
        self, layout: Layout, ports: Ports, notify: Notify, traces: str | None = None
    ) -> None:
        """``traces`` is the URL of an OTLP receiver."""
        self.layout = layout
        self.ports = ports
        self._notify = notify
        self._traces = traces
        self._stack = AsyncExitStack()
        self._children: dict[str, asyncio.subprocess.Process] = {}
        self._control_planes: dict[str, ControlPlane] = {}
        self._services: Services | None = None

    @property
    def resolver(self) -> ControlPlane:
        """The resolver that the workloads use."""
        return self._control_planes["resolver"]

    def pids(self) -> dict[str, int]:
        """The process ids of all running parts, by name."""
        engines = {name: control_plane.pid for name, control_plane in self._control_planes.items()}
        children = {name: child.pid for name, child in self._children.items()}
        return {name: pid for name, pid in {**children, **engines}.items() if pid is not None}

    async def __aenter__(self) -> Self:
        try:
            create_layout(self.layout, self.ports, self._traces)
            await self._start_internet()
            await self._start_node("forwarder")
            await self._start_node("resolver")
            await self._start_control("resolver")
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def start_workloads(self) -> None:
        """Starts the workloads. They send queries until the lab ends."""
        svids = self.layout.svids
        target = Target(
            dns=self.ports.dns,
            dot=self.ports.dot,
            doh=self.ports.doh,
            forwarder_dot=self.ports.forwarder_dot,
            ca=str(self.layout.root.resolve()),
            svids={
                name: (str(svid.certificate.resolve()), str(svid.key.resolve()))
                for name, svid in svids.workloads().items()
            },
            tokens={TV_NAME: str(svids.token.resolve())},
        )
        await self._child("workloads", "keyhole.lab.workloads", json.dumps(asdict(target)))

    async def renew_svids(self) -> None:
        """Renews the certificates of the workloads until it is cancelled. The workloads read the
        files again for each new connection."""
        reported = ""
        while True:
            await asyncio.sleep(_RENEWAL_SECONDS)
            try:
                await asyncio.to_thread(self.layout.svids.renew)
                reported = ""
            except (KeyholeError, OSError) as error:
                if str(error) != reported:
                    reported = str(error)
                    text = "the certificates of the workloads are not renewed"
                    self._notify(Notice(Severity.ERROR, text, tuple(reported.splitlines())))

    async def login_link(self) -> str | None:
        """A link to the page that signs in once as administrator; none if nobody can log in."""
        # Imported here: the nodes answer queries before these imports are done.
        from keyhole.control.authentication import first_link

        opened = self._services.authentication if self._services else None
        if opened is None:
            return None
        if opened.shown_link is not None:
            # Another one would end the one that was shown.
            return opened.shown_link
        return await asyncio.to_thread(first_link, self.resolver.settings, opened)

    async def first_exit(self) -> str:
        """Waits until a part ends that is not restarted; returns its name."""
        waits = {asyncio.create_task(child.wait()): name for name, child in self._children.items()}
        done, rest = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for task in rest:
            task.cancel()
        return waits[done.pop()]

    async def _start_internet(self) -> None:
        child = await self._child(
            "internet",
            "keyhole.lab.internet",
            *("--port", str(self.ports.internet)),
            *("--identity", str(self.layout.identity)),
        )
        assert child.stdout is not None
        try:
            line = await asyncio.wait_for(child.stdout.readline(), _READY_SECONDS)
        except TimeoutError:
            line = b""
        if not line:
            raise LabError("the lab's internet did not start; its error message is above")

    async def _start_node(self, name: str) -> None:
        folder = DataFolder(getattr(self.layout, name))
        control_plane = ControlPlane(read_settings(folder.config), folder, self._notifier(name))
        self._control_planes[name] = await self._stack.enter_async_context(control_plane)

    def _notifier(self, name: str) -> Notify:
        def notify(notice: Notice) -> None:
            self._notify(Notice(notice.severity, f"{name}: {notice.text}", notice.details))

        return notify

    async def _start_control(self, name: str) -> None:
        """Starts lists, query log, documents and the API of a node."""
        # Imported here: the nodes answer queries before these imports are done.
        from keyhole.api.network import bind
        from keyhole.api.server import ApiServer
        from keyhole.control.health import serve_health
        from keyhole.control.startup import open_services

        control_plane = self._control_planes[name]
        neighbor = await self._start_history("forwarder")
        listeners = bind(control_plane.settings.written.api)
        data, notify = DataFolder(getattr(self.layout, name)), self._notifier(name)
        opened = await self._stack.enter_async_context(open_services(control_plane, data, notify))
        if opened.graph is not None and neighbor is not None:
            opened.graph.add_neighbor(neighbor)
        await self._stack.enter_async_context(ApiServer(opened, notify, listeners))
        await self._stack.enter_async_context(serve_health(opened, notify))
        self._services = opened

    async def _start_history(self, name: str) -> "Neighbor | None":
        """Makes a history of the query log of a node that has no control of its own, so that the
        graph of the resolver shows what the forwarder asks."""
        from keyhole.control.graph import Neighbor
        from keyhole.control.query_history import query_history

        plane, data = self._control_planes[name], DataFolder(getattr(self.layout, name))
        queries = query_history(
            plane.settings, data, self._notifier(name), plane.parts, plane.clock
        )
        if queries is None:
            return None
        self._stack.callback(queries.close)
        ingesting = asyncio.create_task(queries.run())
        self._stack.push_async_callback(_cancel, ingesting)
        return Neighbor(name, plane, queries)

    async def _child(self, name: str, module: str, *arguments: str) -> asyncio.subprocess.Process:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", module, *arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=environment_for_child(),
            # Ctrl-C in a terminal goes to the whole foreground group; the lab ends its own parts.
            process_group=0,
        )
        self._children[name] = child
        self._stack.push_async_callback(_end, child)
        return child


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _end(child: asyncio.subprocess.Process) -> None:
    if child.returncode is not None:
        return
    with suppress(ProcessLookupError):
        child.terminate()
    try:
        await asyncio.wait_for(child.wait(), 5)
    except TimeoutError:
        child.kill()
        await child.wait()


def ready_document(processes: LabProcesses) -> dict[str, Any]:
    """The content of ``--ready-file``; later versions may add keys."""
    from keyhole.lab.internet.names import BLOCKED_EXAMPLE

    ports, svids = processes.ports, processes.layout.svids
    return {
        "dns": {
            "udp": f"127.0.0.1:{ports.dns}",
            "tcp": f"127.0.0.1:{ports.dns}",
            "dot": f"127.0.0.1:{ports.dot}",
            "doh": f"https://127.0.0.1:{ports.doh}/dns-query",
            "doh_browsers": f"https://127.0.0.1:{ports.doh_browsers}/dns-query",
        },
        "forwarder": {
            "dot": f"127.0.0.1:{ports.forwarder_dot}",
            "doh": f"https://127.0.0.1:{ports.forwarder_doh}/dns-query",
        },
        "api": f"http://127.0.0.1:{ports.api}",
        "enrollment": f"https://127.0.0.1:{ports.enrollment}",
        "metrics": {
            "resolver": f"http://127.0.0.1:{ports.resolver_health}/metrics",
            "control": f"http://127.0.0.1:{ports.control_health}/metrics",
            "forwarder": f"http://127.0.0.1:{ports.forwarder_health}/metrics",
        },
        "internet": {"doh": f"https://127.0.0.1:{ports.internet}/dns-query"},
        "workloads": {
            name: {
                "spiffe": svid.spiffe,
                "cert": str(svid.certificate.resolve()),
                "key": str(svid.key.resolve()),
            }
            for name, svid in svids.workloads().items()
        },
        "tokens": {TV_NAME: str(svids.token.resolve())},
        "blocked_example": BLOCKED_EXAMPLE,
        "ca": str(processes.layout.root.resolve()),
        "data": str(processes.layout.path.resolve()),
        "pids": processes.pids(),
    }

"""Whether each address and port of the settings can be had, and who has it where it cannot."""

import errno
import os
import pwd
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from keyhole.config.sections.listeners import TRANSPORTS
from keyhole.control.data_folder import ENGINE_LOCK, DataFolder
from keyhole.control.doctor.case import Case
from keyhole.control.doctor.finding import Finding, note, unknown, warning, works, wrong
from keyhole.control.doctor.make_room import KNOWN, keyhole_arguments, probable_holder, room_for
from keyhole.control.settings import Settings
from keyhole.model.address import Endpoint
from keyhole.system.lock_holder import holder_of
from keyhole.system.regular_file import read_regular
from keyhole.system.socket_holders import PROC, Holder, Process, Protocol, holders_of

UNPRIVILEGED = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
UNITS = tuple(
    Path(folder, "keyhole.service")
    for folder in ("/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")
)

MAX_COMMAND = 80
"""Letters of a command line that are shown."""


@dataclass(frozen=True)
class Place:
    """An address of the settings: the key that names it, and over what it listens."""

    key: str
    protocol: Protocol
    endpoint: Endpoint

    @property
    def about(self) -> str:
        """Its name in the report."""
        return f"{self.key.removeprefix('listen.')} {self.endpoint}"


def look_at_listeners(case: Case) -> Iterator[Finding]:
    """Each address of the settings, whatever listens there."""
    if case.settings is None:
        yield unknown("listeners", "without valid settings nobody knows the addresses")
        return
    for place in places(case.settings):
        yield from _look(case, place)


def places(settings: Settings) -> Iterator[Place]:
    """All addresses at which this Keyhole would listen."""
    written = settings.written
    for transport in TRANSPORTS:
        for endpoint in written.listen.of(transport):
            yield Place(f"listen.{transport}", "udp" if transport == "udp" else "tcp", endpoint)
    others = {"health.engine": written.health.engine}
    if written.control.url is None:  # else the other Keyhole has all but the engine
        others |= {
            "health.control": written.health.control,
            "api.listen": written.api.listen,
            "enrollment.listen": written.enrollment.listen,
            "link.listen": written.link.listen,
        }
    for key, endpoints in others.items():
        for endpoint in endpoints:
            yield Place(key, "tcp", endpoint)


def try_to_bind(place: Place) -> OSError | None:
    """Why the address cannot be had; none if it can. As the engine and the API do, it takes the
    address alone, and so nothing from anybody; it is free again at once."""
    endpoint = place.endpoint
    family = socket.AF_INET6 if endpoint.ip.version == 6 else socket.AF_INET
    kind = socket.SOCK_DGRAM if place.protocol == "udp" else socket.SOCK_STREAM
    try:
        with socket.socket(family, kind) as probe:
            if place.protocol == "tcp":
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family is socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind((endpoint.address, endpoint.port or 0))
    except OSError as error:
        return error
    return None


def _look(case: Case, place: Place) -> Iterator[Finding]:
    error = try_to_bind(place)
    if error is None and not place.endpoint.port:
        yield note(place.about, "it takes any free port")
    elif error is None:
        yield _free(case, place)
    elif error.errno == errno.EADDRINUSE:
        yield from _taken(case, place)
    else:
        yield _refused(place, error)


def _refused(place: Place, error: OSError) -> Finding:
    about, endpoint = place.about, place.endpoint
    if error.errno in (errno.EACCES, errno.EPERM):
        return _not_permitted(place)
    if error.errno == errno.EADDRNOTAVAIL:
        return wrong(
            about,
            f"no interface of this machine has the address {endpoint.address}",
            f"give one that ip address lists, or 127.0.0.1, under {place.key}",
        )
    if error.errno == errno.EAFNOSUPPORT:
        what = "IPv6" if endpoint.ip.version == 6 else "IPv4"
        return wrong(about, f"this machine has no {what}", f"remove it from {place.key}")
    return wrong(about, f"it cannot be had: {error.strerror}")


def _free(case: Case, place: Place) -> Finding:
    if case.status is not None:
        return warning(
            place.about,
            "nobody listens there, although Keyhole runs: settings are read at the start alone",
            "start it again: systemctl restart keyhole, or end keyhole up and call it again",
        )
    return works(place.about, "free")


def _taken(case: Case, place: Place) -> Iterator[Finding]:
    """One line for each process that is in the way: of every address, several may have one."""
    endpoint = place.endpoint
    if str(endpoint) in _serving(case, place):
        yield works(place.about, "this Keyhole listens")
        return
    found = holders_of(place.protocol, endpoint.ip, endpoint.port or 0)
    if not found:
        seen = "in use, and the system does not say by whom"
        yield wrong(place.about, seen, _how_to_see(place))
    known: set[int | None] = set()
    for holder in found:
        process = holder.process or probable_holder(holder.user)
        number = process.pid if process else None
        if number not in known:
            known.add(number)
            yield _in_the_way(case, place, holder, process)


def _in_the_way(case: Case, place: Place, holder: Holder, process: Process | None) -> Finding:
    if process is None:
        seen = f"in use by a process of {_user(holder.user)}, which this user is not shown"
        return wrong(place.about, seen, _how_to_see(place))
    if is_own(process, case.data):
        return works(place.about, f"this Keyhole listens (process {process.pid})")
    return wrong(place.about, _who(holder, process), *room_for(process, place.key, place.endpoint))


def is_own(process: Process, data: DataFolder, proc: Path = PROC) -> bool:
    """Whether a process is the engine or the control of this data folder: it holds the lock of one
    there, or was called with a path there, relative or by a link as it may be."""
    holders = (holder_of(data.state / name) for name in ("lock", ENGINE_LOCK))
    if any(one is not None and one.pid == process.pid for one in holders):
        return True
    words = keyhole_arguments(process)
    if words is None:
        return False
    # An engine has its launch document there; a control below a keyhole up, which holds the lock,
    # has the folder.
    given = (word.removeprefix("--data=") for word in words)
    folder = data.path.resolve()
    paths = (_resolved(one, process.pid, proc) for one in given if not one.startswith("-"))
    return any(path is not None and (path == folder or folder in path.parents) for path in paths)


def _resolved(word: str, pid: int, proc: Path) -> Path | None:
    """Where a path led that a process was called with; none if that is not shown."""
    try:
        if word.startswith("/"):
            return Path(word).resolve()
        return ((proc / str(pid) / "cwd").readlink() / word).resolve()
    except (OSError, ValueError, RuntimeError):
        return None


def _serving(case: Case, place: Place) -> list[str]:
    listeners = case.status["listeners"] if case.status is not None else {}
    return list(listeners.get(place.key.removeprefix("listen."), ()))


def _who(holder: Holder, process: Process) -> str:
    sure = "" if holder.process else "probably "
    where = "every address" if holder.address.is_unspecified else str(holder.address)
    # The name of an interpreter says nothing.
    command = " ".join(process.command)
    shown = f": {command[:MAX_COMMAND]}" if command and process.name not in KNOWN else ""
    return f"in use by {sure}{process.name} (process {process.pid}{shown}), which has {where}"


def _how_to_see(place: Place) -> str:
    letter = "u" if place.protocol == "udp" else "t"
    return f"as root: ss -{letter}lnp 'sport = :{place.endpoint.port}' names the process"


def _user(number: int) -> str:
    try:
        return f"the user {pwd.getpwuid(number).pw_name}"
    except KeyError:
        return f"the user with the number {number}"


def _not_permitted(place: Place) -> Finding:
    port, first = place.endpoint.port, _first_unprivileged()
    seen = f"this user may not listen on a port below {first}"
    if os.geteuid() != 0 and any(_has_right(unit) for unit in UNITS):
        return note(
            place.about, f"{seen}; keyhole.service may", "start it: systemctl start keyhole"
        )
    return wrong(
        place.about,
        seen,
        f"give a port from {first} up under {place.key}",
        "or, as a service, write AmbientCapabilities=CAP_NET_BIND_SERVICE into its unit",
        f"or, as root, let everybody: sysctl -w net.ipv4.ip_unprivileged_port_start={port}",
    )


def _first_unprivileged() -> int:
    try:
        return int(read_regular(UNPRIVILEGED, 64))
    except (OSError, ValueError):
        return 1024


def _has_right(unit: Path) -> bool:
    try:
        return b"CAP_NET_BIND_SERVICE" in read_regular(unit, 2**20)
    except OSError:
        return False

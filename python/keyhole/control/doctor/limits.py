"""Whether the system gives an engine as many open files as its settings promise connections."""

import resource
from collections.abc import Iterator

from keyhole.control.data_folder import ENGINE_LOCK
from keyhole.control.doctor.case import Case
from keyhole.control.doctor.finding import Finding, unknown, warning, works
from keyhole.system.fd_limit import advice
from keyhole.system.lock_holder import holder_of


def look_at_limits(case: Case) -> Iterator[Finding]:
    """The limit of the engine that runs, else that of this command, which a start would inherit."""
    if case.settings is None:
        yield unknown("open files", "without valid settings nobody knows how many are needed")
        return
    connections = case.settings.written.limits.connections
    holder = holder_of(case.data.state / ENGINE_LOCK)
    if holder is None:
        whose = "a Keyhole that is started from here"
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    else:
        whose = "the engine"
        try:
            hard = resource.prlimit(holder.pid, resource.RLIMIT_NOFILE)[1]
        except OSError:
            why = f"process {holder.pid} belongs to another user"
            yield unknown("open files", why, f"as root: grep files /proc/{holder.pid}/limits")
            return
    found = advice(connections, hard)
    if found is not None:
        yield warning("open files", found)
        return
    shown = "any number of" if hard == resource.RLIM_INFINITY else f"{hard:,}"
    yield works("open files", f"{whose} may have {shown}, enough for {connections:,} connections")

"""File descriptors: as many as the engine's limits promise."""

import resource

RESERVE = 256
"""Descriptors besides client connections: sockets, upstream connections, files."""


def allow(connections: int) -> str | None:
    """Raises the soft limit of this process to the hard one.

    Returns advice where even that is too low for ``connections``; the engine then accepts fewer,
    and says so each time that it must.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    wanted = connections + RESERVE
    if hard == resource.RLIM_INFINITY or hard >= wanted:
        return None
    return (
        f"limits.connections is {connections}, but the system allows this process {hard} open "
        f"files: raise the limit to {wanted} (LimitNOFILE= in a systemd unit) or lower the setting"
    )

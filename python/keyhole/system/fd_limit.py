"""The limit of open file descriptors."""

import resource

RESERVE = 256
"""Descriptors besides client connections: sockets, upstream connections, files."""


def raise_limit(connections: int) -> str | None:
    """Raises the soft limit of this process to the hard one.

    Returns advice if the hard limit is too low for ``connections``; the engine then accepts fewer.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return advice(connections, hard)


def advice(connections: int, hard: int) -> str | None:
    """What to do about a hard limit that is too low for ``connections``; none if it is not."""
    wanted = connections + RESERVE
    if hard == resource.RLIM_INFINITY or hard >= wanted:
        return None
    return (
        f"limits.connections is {connections}, but the system allows this process {hard} open "
        f"files: raise the limit to {wanted} (LimitNOFILE= in a systemd unit) or lower the setting"
    )

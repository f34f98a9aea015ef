"""How to make room on a port: what the well-known programs are called, and what moves each."""

import pwd
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from keyhole.model.address import Endpoint
from keyhole.system.socket_holders import Process, processes, user_of

_RESOLVED = "/etc/systemd/resolved.conf.d/keyhole.conf"


@dataclass(frozen=True)
class Taken:
    """A port that a process has, and the key of the settings that wants it."""

    process: Process
    key: str
    endpoint: Endpoint


def room_for(process: Process, key: str, endpoint: Endpoint) -> tuple[str, ...]:
    """What makes room, in the order of what is asked least of a person."""
    taken = Taken(process, key, endpoint)
    how = KNOWN.get(process.name)
    if how is not None:
        return how(taken)
    if keyhole_arguments(process) is not None:
        return (f"end that other Keyhole: kill {process.pid}", _other_port(taken))
    return (f"end it: kill {process.pid}", _other_port(taken))


def keyhole_arguments(process: Process) -> tuple[str, ...] | None:
    """What a Keyhole was called with: as a program, as a script of Python or as a module of it.
    None for another program, such as a pager that shows a file of Keyhole."""
    words = process.command
    if "-m" in words and words[words.index("-m") + 1 :][:1] == ("keyhole",):
        return words[words.index("-m") + 2 :]
    for at, word in enumerate(words[:2]):
        if Path(word).name == "keyhole":
            return words[at + 1 :]
        if not Path(word).name.startswith("python"):
            break
    return None


def probable_holder(user: int) -> Process | None:
    """The one well-known program of a user who has a socket that is not shown to us; none if there
    are several, or nobody can tell."""
    if _is_shared(user):
        return None
    found = {
        one.name: one
        for one in processes()
        # The first process of every machine belongs to root, and says nothing.
        if one.name in KNOWN and one.pid != 1 and user_of(one.pid) == user
    }
    return found.popitem()[1] if len(found) == 1 else None


def _is_shared(user: int) -> bool:
    try:
        return pwd.getpwuid(user).pw_name == "nobody"
    except KeyError:
        return True


def _other_port(taken: Taken) -> str:
    return f"or give another port under {taken.key}"


def _own_address(taken: Taken, theirs: str) -> tuple[str, ...]:
    """For a program that has an address which only ``0.0.0.0`` takes in."""
    if not taken.endpoint.ip.is_unspecified:
        return ()
    port = taken.endpoint.port
    return (
        f"it has {theirs} alone: give the addresses of this machine under {taken.key} in place of "
        f"{taken.endpoint}, such as 127.0.0.1:{port}",
    )


def _resolved(taken: Taken) -> tuple[str, ...]:
    return (
        *_own_address(taken, "127.0.0.53 and 127.0.0.54"),
        f"or write two lines, [Resolve] and DNSStubListener=no, into {_RESOLVED}; then systemctl "
        "restart systemd-resolved, and ln -sf ../run/systemd/resolve/resolv.conf /etc/resolv.conf, "
        "so that this machine has names until it asks Keyhole",
    )


def _dnsmasq(taken: Taken) -> tuple[str, ...]:
    words = " ".join(taken.process.command)
    if "libvirt" in words or "lxc" in words or "lxd" in words or "incus" in words:
        return (
            *_own_address(taken, "the bridge of virtual machines or containers"),
            "it serves the virtual machines or containers of this machine: leave it",
        )
    if "NetworkManager" in words:
        return (
            "write two lines, [main] and dns=default, into "
            "/etc/NetworkManager/conf.d/keyhole.conf; then systemctl restart NetworkManager",
        )
    return (
        "if nobody needs it: systemctl disable --now dnsmasq",
        "if it serves DHCP: write port=0 into /etc/dnsmasq.conf, then systemctl restart dnsmasq; "
        "DHCP goes on, without DNS",
    )


def _pihole(taken: Taken) -> tuple[str, ...]:
    return (
        "take its settings along: keyhole import pihole, with the teleporter file of its page; "
        "then systemctl disable --now pihole-FTL",
        "or move it, with DHCP and page: pihole-FTL --config dns.port 5335",
    )


def _adguard(taken: Taken) -> tuple[str, ...]:
    return (
        "take its settings along: keyhole import adguard AdGuardHome.yaml; then "
        "systemctl disable --now AdGuardHome",
        "or move it: stop it, write another port under dns in AdGuardHome.yaml, and start it",
    )


def _named(taken: Taken) -> tuple[str, ...]:
    return (
        "if nobody needs it: systemctl disable --now named",
        "if it serves zones: write listen-on port 5353 { 127.0.0.1; }; into its options, then "
        "systemctl restart named",
    )


def _service(unit: str, setting: str) -> Callable[[Taken], tuple[str, ...]]:
    def how(taken: Taken) -> tuple[str, ...]:
        return (
            f"if nobody needs it: systemctl disable --now {unit}",
            f"or move it: {setting}, then systemctl restart {unit}",
        )

    return how


def _container(taken: Taken) -> tuple[str, ...]:
    port = taken.endpoint.port
    return (
        f"a container publishes the port: docker ps --filter publish={port} names it; stop it, or "
        "publish another port",
        _other_port(taken),
    )


def _systemd(taken: Taken) -> tuple[str, ...]:
    return ("systemctl list-sockets names the unit; systemctl disable --now UNIT ends it",)


KNOWN: Mapping[str, Callable[[Taken], tuple[str, ...]]] = {
    # The kernel cuts names after 15 letters.
    "systemd-resolve": _resolved,
    "dnsmasq": _dnsmasq,
    "pihole-FTL": _pihole,
    "AdGuardHome": _adguard,
    "named": _named,
    "unbound": _service("unbound", "write port: 5335 below server: in unbound.conf"),
    "kresd": _service("'kresd@*'", "write net.listen('127.0.0.1', 5335) into kresd.conf"),
    "pdns_recursor": _service("pdns-recursor", "write local-port=5335 into recursor.conf"),
    "coredns": _service("coredns", "write another port into its Corefile"),
    "docker-proxy": _container,
    "rootlessport": _container,
    "systemd": _systemd,
}
"""What makes room, by the name of the process."""

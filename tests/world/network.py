"""Hosts of a network of the test, each a network namespace of the kernel, on one bridge.

The test itself is the router between them. It must run in a network namespace of its own.
"""

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_BRIDGE = "hub"
_NETWORKS = ("10.77.0.1/16", "203.0.113.1/24", "192.0.2.254/24")
"""Of pods, of servers outside of the cluster, and of people outside of it."""
ROUTER = "10.77.0.1"
_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def call(*words: str) -> str:
    """What a command prints; fails with what it complains about."""
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout


class Host:
    """One host, by its address."""

    def __init__(self, name: str, address: str, number: int) -> None:
        self.name = name
        self.address = address
        self.namespace = Path("/run/netns") / name
        outer, inner = f"v{number}", f"w{number}"
        call("ip", "netns", "add", name)
        call("ip", "link", "add", outer, "type", "veth", "peer", "name", inner)
        call("ip", "link", "set", outer, "master", _BRIDGE, "up")
        call("ip", "link", "set", inner, "netns", name, "name", "eth0")
        (network,) = [one for one in _NETWORKS if one.split(".")[:2] == address.split(".")[:2]]
        router, _, length = network.partition("/")
        self.call("ip", "link", "set", "lo", "up")
        self.call("ip", "address", "add", f"{address}/{length}", "dev", "eth0")
        self.call("ip", "link", "set", "eth0", "up")
        self.call("ip", "route", "add", "default", "via", router)

    def command(self, *words: str) -> list[str]:
        """The command that runs another one on this host."""
        return ["nsenter", f"--net={self.namespace}", *words]

    def call(self, *words: str) -> str:
        """What a command on this host prints."""
        return call(*self.command(*words))

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Sockets that this thread opens meanwhile are those of the host, and threads that it
        starts stay there."""
        here = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        there = os.open(self.namespace, os.O_RDONLY)
        try:
            _enter(there)
            try:
                yield
            finally:
                _enter(here)
        finally:
            os.close(there)
            os.close(here)

    def remove(self) -> None:
        """Takes it off the network; its processes must have ended."""
        call("ip", "netns", "delete", self.name)


def _enter(namespace: int) -> None:
    if _libc.setns(namespace, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class Network:
    """All hosts; each gets its address from the test, or the next of a pod."""

    def __init__(self) -> None:
        self._count = 0
        call("ip", "link", "add", _BRIDGE, "type", "bridge")
        for network in _NETWORKS:
            call("ip", "address", "add", network, "dev", _BRIDGE)
        call("ip", "link", "set", _BRIDGE, "up")
        Path("/proc/sys/net/ipv4/ip_forward").write_text("1")

    def add(self, name: str, address: str = "") -> Host:
        """A new host."""
        self._count += 1
        return Host(name, address or f"10.77.1.{self._count}", self._count)

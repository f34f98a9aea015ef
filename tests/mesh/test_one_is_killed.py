"""A replica that ends without a word costs no query of a client that asks three times, as dig does.
Where the pod is gone, one that asks twice, as the resolver of glibc does, may lose the query that
was under way: its second try may be the one by which the sidecar finds out."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from tests.world.real_mesh import RESOLVER, Mesh, needs_mesh
from tests.world.steady_load import DIG_TRIES, GLIBC_TRIES, SteadyLoad
from tests.world.waiting import until

pytestmark = [needs_mesh, pytest.mark.timeout(1800)]
_NEW = "new-{}.example.org"
"""No cache answers it, as each one is asked for once."""
_UNDER_WAY = 1
"""Queries of a client that asks one after the other."""


@dataclass(frozen=True)
class _Loads:
    """Clients that ask as often as dig and as the resolver of glibc, and one that asks once."""

    dig: SteadyLoad
    glibc: SteadyLoad
    once: SteadyLoad

    def wait_for_more(self) -> None:
        """Waits until each of those that ask again got more answers, or lost one more query."""
        self.dig.wait_for_more()
        self.glibc.wait_for_more()


@contextmanager
def _loads(mesh: Mesh, name: str) -> Iterator[_Loads]:
    host = mesh["netshoot"].host
    with (
        SteadyLoad(host, RESOLVER, f"d-{name}", stays=False, tries=DIG_TRIES) as dig,
        SteadyLoad(host, RESOLVER, f"g-{name}", stays=False, tries=GLIBC_TRIES) as glibc,
        SteadyLoad(host, RESOLVER, f"o-{name}", stays=False) as once,
    ):
        yield _Loads(dig, glibc, once)


def _is_left_out(mesh: Mesh, asker: str, address: str) -> bool:
    """Whether the sidecar of a pod leaves an address out, of which it had a failure."""
    told = mesh[asker].host.call("curl", "-s", "http://127.0.0.1:15000/clusters")
    flags = [line for line in told.splitlines() if f"::{address}:" in line and "_flags::" in line]
    return any("failed_outlier_check" in line for line in flags)


def test_who_asks_three_times_loses_nothing_when_the_pod_of_a_resolver_is_killed(
    mesh: Mesh,
) -> None:
    victim = mesh["keyhole-resolver-1"]
    with _loads(mesh, _NEW) as loads:
        # Nobody tells the cluster: its endpoint stays, and leads nowhere.
        victim.kill()
        until(lambda: _is_left_out(mesh, "netshoot", victim.address), "the pod is left out")
        loads.wait_for_more()
        mesh.restart("keyhole-resolver", 1)
        loads.wait_for_more()
    assert loads.dig.lost == []
    assert len(loads.glibc.lost) <= _UNDER_WAY


def test_no_query_is_lost_when_the_node_of_a_forwarder_is_gone(
    two_forwarders: Mesh,
) -> None:
    mesh, victim = two_forwarders, two_forwarders["keyhole-forwarder-1"]
    with _loads(mesh, f"f-{_NEW}") as loads:
        # It does not even refuse connections.
        victim.host.call("ip", "link", "set", "eth0", "down")
        victim.kill()
        loads.wait_for_more()
        mesh.restart("keyhole-forwarder", 1)
        loads.wait_for_more()
    assert loads.dig.lost == loads.glibc.lost == []


def test_what_comes_while_a_killed_engine_starts_again_waits_for_it(mesh: Mesh) -> None:
    """Its sidecar lives, so to who asks every connection is made: no other pod is tried."""
    program = mesh["keyhole-resolver-1"].program("resolver")
    with _loads(mesh, f"e-{_NEW}") as loads:
        (engine,) = program.children("engine")
        os.kill(engine, signal.SIGKILL)
        loads.wait_for_more()
    assert loads.dig.lost == loads.glibc.lost == []
    assert len(loads.once.lost) <= _UNDER_WAY
    assert program.children("engine") not in ([], [engine]), "it was started again"

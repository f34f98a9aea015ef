"""Two labs on one machine never use the same port."""

import socket

import pytest

from keyhole.lab.error import LabError
from keyhole.lab.ports import BLOCK, choose_ports


def test_two_labs_never_get_the_same_block() -> None:
    labs = [choose_ports(None) for _ in range(20)]
    try:
        assert len({lab.base for lab in labs}) == len(labs)
    finally:
        for lab in labs:
            lab.claim.close()


def test_all_ports_lie_in_the_block_and_differ() -> None:
    lab = choose_ports(None)
    lab.claim.close()
    ports = [lab.dns, lab.dot, lab.doh, lab.forwarder_dot, lab.forwarder_doh, lab.internet]
    ports += [lab.api, lab.doh_browsers, lab.enrollment, lab.resolver_health, lab.control_health]
    ports += [lab.forwarder_health]
    assert len(set(ports)) == len(ports)
    assert all(lab.base <= port < lab.base + BLOCK - 1 for port in ports)


def test_a_given_base_with_a_port_in_use_names_that_port() -> None:
    free = choose_ports(None)
    free.claim.close()
    with socket.socket() as other:
        other.bind(("127.0.0.1", free.dot))
        other.listen()
        with pytest.raises(LabError, match=f"port {free.dot} .* is in use"):
            choose_ports(free.base)


def test_a_base_is_free_again_when_its_lab_has_ended() -> None:
    first = choose_ports(None)
    with pytest.raises(LabError, match="in use"):
        choose_ports(first.base)
    first.claim.close()
    choose_ports(first.base).claim.close()

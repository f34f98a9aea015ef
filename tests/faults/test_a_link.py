"""Section A, security: what engines on other machines may do, and where queries may go in the
clear."""

import http.client
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from keyhole.link.message import COUNTS
from tests.world.counting import ask_often
from tests.world.engine_client import Engine
from tests.world.fleet import BERLIN, Fleet
from tests.world.history import line
from tests.world.process import call_keyhole
from tests.world.resolver import Resolver, document

PRINTER = "printer.example.org"
PARIS = "spiffe://keyhole.internal/ns/engines/sa/paris"


def _fleet(make_resolver: Callable[[], Resolver], **link: Any) -> Fleet:
    fleet = Fleet(make_resolver)
    fleet.link |= {"engines": ["engines/berlin", "engines/paris"], **link}
    fleet.control.write(
        document("Record", "printer", name=PRINTER, a=["192.0.2.7"]),
        document("Policy", "home", default="allow", upstreams=["test"]),
    )
    return fleet


def _rows(fleet: Fleet, **wanted: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = fleet.control.api("GET", "/queries", params=wanted).json()[
        "items"
    ]
    return items


def test_each_query_keeps_the_engine_that_brought_it(make_resolver: Callable[[], Resolver]) -> None:
    """A12: in the API, in `keyhole log` and in exports."""
    fleet = _fleet(make_resolver)
    fleet.start()
    ask_often(fleet.engine_host.server, PRINTER, 2)
    ask_often(fleet.control.server, PRINTER, 3)
    fleet.control.wait_for(lambda: len(_rows(fleet, name=PRINTER)) == 5, "all have arrived")
    assert len(_rows(fleet, name=PRINTER, engine=BERLIN)) == 2
    assert len(_rows(fleet, name=PRINTER, engine="local")) == 3
    shown = fleet.control.command("log", "--since", "1h", "--name", PRINTER).stdout
    assert shown.count(f"at engine {BERLIN}") == 2
    found = fleet.control.command("log", "--engine", BERLIN, "--name", PRINTER, "--json").stdout
    assert [json.loads(one)["engine"] for one in found.splitlines()] == [BERLIN] * 2
    target = fleet.control.folder / "export.csv"
    done = fleet.control.command("log", "--since", "1h", "--export", str(target))
    assert done.returncode == 0, done.stderr
    assert target.read_text().count(BERLIN) >= 2


def test_an_engine_can_write_neither_as_another_one_nor_over_its_rows(
    make_resolver: Callable[[], Resolver], tmp_path: Path
) -> None:
    """A12: whatever it says, its rows are its own, and those of others stay."""
    fleet = _fleet(make_resolver)
    fleet.control.configure(link=fleet.link)
    fleet.control.start()
    fleet.control.wait_for_api()
    berlin = Engine(fleet, "engines/berlin", tmp_path / "berlin")
    paris = Engine(fleet, "engines/paris", tmp_path / "paris")
    now = int(datetime.now(UTC).timestamp() * 1_000_000)
    good = line(now, name="good.example.org")
    assert berlin.deliver("0" * 16, good)[0] == 200
    # The same place, time and number of rows, and a claim to be somebody else.
    bad = line(now, name="bad.example.org", engine=BERLIN)
    assert paris.deliver("0" * 16, bad)[0] == 200
    engines = {
        row["name"]: row["engine"]
        for row in _rows(fleet, below="example.org")
        if row["client"] == "192.0.2.1"
    }
    assert engines == {"good.example.org": BERLIN, "bad.example.org": PARIS}
    # Also in the next process, and from the year 9000 or 1970: each day has a file of its own.
    assert paris.deliver("1" * 16, line(now + 10**16, name="future.example.org"))[0] == 200
    assert paris.deliver("2" * 16, line(10**12, name="past.example.org"))[0] == 200
    fleet.control.stop()
    fleet.control.start()
    found = {row["name"] for row in _rows(fleet, below="example.org", client="192.0.2.1")}
    assert {"good.example.org", "bad.example.org"} <= found
    assert not {"future.example.org", "past.example.org"} & found
    assert not list(fleet.control.folder.rglob("day=1970-*"))


@pytest.mark.parametrize(
    ("spool", "offset"),
    [("../../../../etc", 1), ("0" * 15 + "Z", 1), ("0" * 16, -1), ("0" * 16, 10**40)],
)
def test_a_position_that_no_log_has_is_refused(
    make_resolver: Callable[[], Resolver], tmp_path: Path, spool: str, offset: int
) -> None:
    """A12, F7: what becomes part of a file's name is checked."""
    fleet = _fleet(make_resolver)
    fleet.control.configure(link=fleet.link)
    fleet.control.start()
    berlin = Engine(fleet, "engines/berlin", tmp_path / "berlin")
    status, why = berlin.deliver(spool, line(1), offset=offset)
    assert (status, "position" in why) == (400, True)
    counted = berlin.send(COUNTS, b'{"log": "x", "queries": [[1]]}\nnot json\n')
    assert counted[0] == 200, counted
    assert berlin.send("/link/v1/poll", b'{"engine": {"number": Infinity}}')[0] == 400
    assert berlin.send("/link/v1/poll", b"[" * 100_000)[0] == 400


def test_the_link_answers_only_the_networks_that_are_listed(
    make_resolver: Callable[[], Resolver], tmp_path: Path
) -> None:
    """A12: others get no handshake, with whatever certificate; the log says so."""
    fleet = _fleet(make_resolver, clients=["127.0.0.7/32"])
    fleet.control.configure(link=fleet.link)
    fleet.control.start()
    engine = Engine(fleet, "engines/berlin", tmp_path / "berlin")
    with pytest.raises((OSError, http.client.HTTPException)):
        engine.deliver("0" * 16, line(1))
    fleet.control.wait_for(
        lambda: (
            "127.0.0.1 is in none of the networks in link.clients" in fleet.control.program.output
        ),
        "the log says it",
    )


CLEARTEXT = {
    "192.168.7.1": True,
    "10.1.2.3": True,
    "127.0.0.1:5353": True,
    "[fd00::1]:53": True,
    "9.9.9.9": False,
    "[2620:fe::fe]:53": False,
    "[::ffff:9.9.9.9]:53": False,
    "[64:ff9b::9.9.9.9]:53": False,
    "100.64.0.1": False,
    "172.32.0.1": False,
}


@pytest.mark.parametrize("address", CLEARTEXT)
def test_a_mesh_is_no_excuse_for_cleartext_to_a_public_address(
    tmp_path: Path, address: str
) -> None:
    """A14: also an IPv4 address in the form of IPv6, and one behind NAT64."""
    (tmp_path / "keyhole.yaml").write_text("documents: documents\n")
    documents = tmp_path / "documents"
    documents.mkdir()
    upstreams = [
        document("Upstream", name, protocol=protocol, insecure="mesh", addresses=[address])
        for name, protocol in (("over-tcp", "tcp"), ("over-http", "doh_cleartext"))
    ]
    policy = document("Policy", "home", default="allow")
    (documents / "all.yaml").write_text("\n---\n".join(map(json.dumps, (*upstreams, policy))))
    done = call_keyhole("check", str(tmp_path / "keyhole.yaml"))
    assert (done.returncode == 0) is CLEARTEXT[address], done.stdout + done.stderr
    if not CLEARTEXT[address]:
        why = "is a public address, and queries would go there unencrypted"
        assert done.stdout.count(why) == len(upstreams)
        (tmp_path / "keyhole.yaml").write_text(
            "documents: documents\nmesh: {networks: ['9.9.9.9/32', '2620:fe::/32', "
            "'64:ff9b::/96', '100.64.0.0/10', '172.32.0.0/16']}\n"
        )
        listed = call_keyhole("check", str(tmp_path / "keyhole.yaml"))
        assert listed.returncode == 0, listed.stdout


def test_a_running_keyhole_refuses_cleartext_to_a_public_address(resolver: Resolver) -> None:
    """A14: what is in force stays."""
    resolver.configure()
    resolver.start()
    file = resolver.folder / "mesh.yaml"
    spec = document("Upstream", "mesh", protocol="tcp", insecure="mesh", addresses=["9.9.9.9"])
    file.write_text(json.dumps(spec))
    done = resolver.command("apply", "-f", str(file))
    assert done.returncode != 0
    assert "9.9.9.9 is a public address" in done.stdout + done.stderr

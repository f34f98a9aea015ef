"""A Pi-hole moves in: its archive becomes documents, and Keyhole answers as it did."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import dns.message
import dns.query
import pytest

from tests.world.ask import Reply
from tests.world.certificates import Authority
from tests.world.imports import ALLOW, DENY, DENY_REGEX, home_records, pihole_toml, rows, teleporter
from tests.world.process import call_keyhole
from tests.world.resolver import Resolver
from tests.world.upstream import ADDRESS, Upstream
from tests.world.waiting import ANSWER_SECONDS

EVERYBODY, KIDS, BOTH = "127.0.0.1", "127.0.0.2", "127.0.0.3"

_TABLES = rows(
    group_=[{"id": 1, "enabled": 1, "name": "Kids"}],
    domainlist=[
        {"id": 1, "type": DENY, "domain": "ads.example.com"},
        {"id": 2, "type": DENY_REGEX, "domain": r"(\.|^)tracker\.example\.com$"},
        {"id": 3, "type": DENY_REGEX, "domain": r"^game[0-9]+\."},
        {"id": 4, "type": ALLOW, "domain": "good.tracker.example.com"},
        {"id": 5, "type": DENY_REGEX, "domain": r"^Banner[[:digit:]]*\.;reply=NXDOMAIN"},
    ],
    domainlist_by_group=[
        {"domainlist_id": number, "group_id": group}
        for number, group in [(1, 0), (2, 0), (3, 1), (4, 0), (5, 0)]
    ],
    adlist=[
        {"id": 1, "address": "https://lists.example.org/ads.txt", "type": 0, "comment": "ads"},
        {"id": 2, "address": "https://lists.example.org/games.txt", "type": 0, "comment": "games"},
    ],
    adlist_by_group=[{"adlist_id": 1, "group_id": 0}, {"adlist_id": 2, "group_id": 1}],
    client=[{"id": 1, "ip": KIDS, "comment": "Tablet"}, {"id": 2, "ip": BOTH}],
    client_by_group=[
        {"client_id": 1, "group_id": 1},
        {"client_id": 2, "group_id": 0},
        {"client_id": 2, "group_id": 1},
    ],
)


@pytest.fixture(scope="module")
def moved(
    tmp_path_factory: pytest.TempPathFactory, authority: Authority, shared_upstream: Upstream
) -> Iterator[Resolver]:
    """A Keyhole whose documents are those that the import wrote, but for what a person adds:
    whom to trust at their own upstream, and the lists, which are files here."""
    folder = tmp_path_factory.mktemp("moved")
    port = shared_upstream.port
    toml = pihole_toml(
        upstreams=[f"tls://upstream.example.org@127.0.0.1#{port}"],
        blocking={"active": True, "mode": "NULL"},
        **home_records(),
    )
    archive = teleporter(folder / "teleporter.zip", _TABLES, toml)
    resolver = Resolver(folder / "data", authority)
    for file in resolver.documents.iterdir():
        file.unlink()
    resolver.documents.rmdir()
    done = call_keyhole(
        "import", "pihole", str(archive), "--out", str(resolver.documents), "--json"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["counts"]["rule"] == {"taken": 6, "changed": 0, "left": 0}
    _edit(resolver.documents / "upstreams.yaml", r"(?m)^spec:$", f"spec:\n  ca: {authority.root}")
    _edit(resolver.documents / "lists.yaml", r"urls: \[https://lists.example.org/", "files: [")
    (resolver.documents / "ads.txt").write_text("0.0.0.0 list.example.com\n")
    (resolver.documents / "games.txt").write_text("0.0.0.0 arcade.example.com\n")
    try:
        yield resolver.start()
    finally:
        resolver.stop()


def _edit(file: Path, pattern: str, replacement: str) -> None:
    file.write_text(re.sub(pattern, replacement, file.read_text()))


def _ask(resolver: Resolver, name: str, source: str = EVERYBODY, kind: str = "A") -> Reply:
    message = dns.message.make_query(name, kind, use_edns=0)
    port = resolver.server.udp
    return Reply(
        dns.query.udp(message, "127.0.0.1", timeout=ANSWER_SECONDS, port=port, source=source)
    )


def test_the_folder_is_valid_by_itself(moved: Resolver) -> None:
    checked = call_keyhole("check", str(moved.documents))
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize(
    ("name", "blocked_for"),
    [
        ("ads.example.com", {EVERYBODY, BOTH}),
        ("x.tracker.example.com", {EVERYBODY, BOTH}),
        ("good.tracker.example.com", set()),
        ("game7.example.com", {KIDS, BOTH}),
        ("list.example.com", {EVERYBODY, BOTH}),
        ("arcade.example.com", {KIDS, BOTH}),
        ("www.example.com", set()),
    ],
)
def test_what_pi_hole_blocked_for_a_client_is_blocked_for_it(
    moved: Resolver, name: str, blocked_for: set[str]
) -> None:
    for source in (EVERYBODY, KIDS, BOTH):
        wanted = "0.0.0.0" if source in blocked_for else ADDRESS
        assert _ask(moved, name, source).addresses == [wanted], source


def test_a_rule_answers_as_it_did(moved: Resolver) -> None:
    assert _ask(moved, "banner12.example.com").rcode == "NXDOMAIN"
    assert _ask(moved, "ads.example.com", kind="AAAA").addresses == ["::"]
    assert _ask(moved, "mask.icloud.com", KIDS).rcode == "NXDOMAIN"


def test_local_records_and_aliases_answer(moved: Resolver) -> None:
    assert _ask(moved, "host7.home.example").addresses == ["10.1.2.7"]
    assert _ask(moved, "host7.home.example", kind="AAAA").addresses == ["2001:db8:9::7"]
    assert _ask(moved, "files.home.example", KIDS).addresses == ["10.1.3.1"]
    reverse = _ask(moved, "7.2.1.10.in-addr.arpa", kind="PTR").message.answer[0]
    assert reverse[0].to_text() == "host7.home.example."

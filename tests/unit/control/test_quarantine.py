"""Quarantines that policies impose: once for each finding, and never over those of people."""

import asyncio
import time
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from keyhole.config import read_text_documents
from keyhole.control.clock import ClockWatch
from keyhole.control.compile import Compiled, last_good_octets, read_last_good
from keyhole.control.data_folder import DataFolder
from keyhole.control.error import InvalidError, NotThereError
from keyhole.control.findings import QuarantineByPolicy
from keyhole.control.overrides import QuarantineService
from keyhole.control.overrides.quarantines import StandsError
from keyhole.control.overrides.store import OverrideResult, OverrideStore
from keyhole.policy import TrustContext, compile_documents
from keyhole.store import Actor, StoreError
from keyhole.store import records as audit_records
from tests.unit.control.test_findings import _REFUSED, Log, _line

_ADA = Actor("ada", "socket")
_BLOCKED: dict[str, Any] = {**_REFUSED}
_DAY = 86_400
_DOCUMENTS = """\
apiVersion: keyhole.dev/v1
kind: Policy
metadata: {name: home}
spec: {default: allow, tunneling: {mode: enforce, quarantine: 1d}}
---
apiVersion: keyhole.dev/v1
kind: Client
metadata: {name: shop}
spec:
  identities: ["spiffe://example.org/ns/shop/sa/web"]
  tokens: [till]
  addresses: [192.0.2.0/24]
---
apiVersion: keyhole.dev/v1
kind: Upstream
metadata: {name: one}
spec: {protocol: dot, addresses: [192.0.2.1], serverName: dns.example.org}
"""


class Home:
    """A log, findings of it, and quarantines; no engine."""

    def __init__(self, folder: Path) -> None:
        documents, problems = read_text_documents(_DOCUMENTS, "a.yaml", folder)
        assert problems == []
        known = TrustContext(tokens={"tv": "01" * 32, "pc": "02" * 32, "till": "03" * 32})
        self.snapshot = compile_documents(documents, 1, context=known).snapshot
        self.log = Log(folder)
        self.broken: list[StoreError] = []
        self.start()

    def start(self) -> None:
        """As a process that starts."""
        self.log.start()
        store = cast(
            OverrideStore,
            SimpleNamespace(
                database=self.log.database, snapshot=self.snapshot, change=self._change
            ),
        )
        self.quarantines = QuarantineService(store)
        by_policy = QuarantineByPolicy(self.quarantines, self.log.notices.append)
        self.log.collector.quarantine = by_policy

    async def _change(self, write: Any, *, waits: bool = True) -> Any:
        if self.broken:
            raise self.broken.pop()
        with self.log.database.begin() as connection:
            return write(connection), OverrideResult(True)

    def see_to(self) -> list[tuple[str | None, str]]:
        """Has policies say what follows; gives client and author of each quarantine."""
        asyncio.run(self.log.collector.see_to_blocked())
        return [(one.decision.client, one.who) for one in self.quarantines.active()]


@pytest.fixture
def home(tmp_path: Path) -> Iterable[Home]:
    made = Home(tmp_path)
    yield made
    made.log.database.close()


def test_a_quarantine_by_policy_outlives_a_failure_and_a_kill_and_is_imposed_once(
    home: Home,
) -> None:
    home.log.write(_line(token="tv", **_BLOCKED))
    home.broken = [StoreError("no room")]
    with pytest.raises(StoreError):
        home.see_to()
    home.start()
    home.log.collector.look()
    assert home.see_to() == [("token:tv", "keyhole")]
    (one,) = home.quarantines.active()
    asyncio.run(home.quarantines.lift(one.decision.number, _ADA, None))
    home.log.write(_line(token="tv", **_BLOCKED))
    assert home.see_to() == [], "for the same finding"
    home.start()
    home.log.collector.look()
    assert home.see_to() == []


def test_a_policy_that_comes_to_want_it_imposes_it_for_what_was_just_blocked(home: Home) -> None:
    wanting = home.snapshot
    policies = [
        one.model_copy(update={"tunneling": one.tunneling.model_copy(update={"quarantine": None})})
        if one.tunneling
        else one
        for one in wanting.policies
    ]
    home.snapshot = wanting.model_copy(update={"policies": policies})
    home.start()
    home.log.write(_line(token="tv", **_BLOCKED))
    assert home.see_to() == []
    home.snapshot = wanting
    home.start()
    home.log.collector.look()
    assert home.see_to() == [("token:tv", "keyhole")]


def test_lines_older_than_the_quarantine_of_the_policy_put_nobody_in_it(home: Home) -> None:
    old = _DAY + 60
    home.log.write(_line(old, token="tv", **_BLOCKED), _line(token="tv"))
    home.log.write(_line(_DAY - 60, token="pc", **_BLOCKED))
    assert home.see_to() == [("token:pc", "keyhole")]


@pytest.mark.parametrize(("by", "days"), [("ada", 0.5), ("keyhole", 2)])
def test_a_policy_replaces_no_quarantine_of_a_person_and_none_that_ends_later(
    home: Home, by: str, days: float
) -> None:
    who = Actor(by, "socket")
    made, _ = asyncio.run(home.quarantines.impose("token:tv", int(days * _DAY), who, "a drill"))
    home.log.write(_line(token="tv", **_BLOCKED))
    home.see_to()
    assert home.quarantines.active() == [made]
    assert home.log.said[-1] == "the client of finding 1 is in quarantine already"


def test_the_audit_record_says_which_quarantine_was_replaced(home: Home) -> None:
    asyncio.run(home.quarantines.impose("token:tv", 60, _ADA, "a drill"))
    asyncio.run(home.quarantines.impose("token:tv", _DAY, _ADA, "for longer"))
    with home.log.database.read() as connection:
        last, first = (one.entry.detail for one in audit_records(connection))
    assert "before" not in first
    assert last["before"].startswith(f"quarantine 1 until {time.gmtime().tm_year}")
    assert last["before"].endswith(" by ada")


@pytest.mark.parametrize("by", ["bob", "keyhole"])
def test_a_quarantine_that_ends_later_is_replaced_only_by_its_number(home: Home, by: str) -> None:
    made, _ = asyncio.run(
        home.quarantines.impose("token:tv", 2 * _DAY, Actor(by, "socket"), "long")
    )
    number = made.decision.number

    def shorter(replaces: int | None) -> None:
        asked = home.quarantines.impose("token:tv", 60, _ADA, "short", replaces=replaces)
        asyncio.run(asked)

    for replaces in (None, number + 1):
        with pytest.raises(StandsError, match=f"by {by}, which ends later .*; lift quarantine"):
            shorter(replaces)
        assert home.quarantines.active() == [made]
    shorter(number)
    (one,) = home.quarantines.active()
    assert (one.who, one.why) == ("ada", "short")


def test_an_address_in_the_network_of_a_document_can_be_refused_alone(home: Home) -> None:
    made, _ = asyncio.run(home.quarantines.impose("192.0.2.9", 60, _ADA, "a drill"))
    assert made.decision.client == "192.0.2.9"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("2001:db8:0:12::7", "2001:db8::/56"),
        ("2001:db8::/48", "2001:db8::/48"),
        ("192.0.2.7", "192.0.2.7"),
        ("192.0.2.0/24", "192.0.2.0/24"),
    ],
)
def test_an_ipv6_address_stands_for_the_network_that_shares_an_account(
    home: Home, written: str, kept: str
) -> None:
    made, _ = asyncio.run(home.quarantines.impose(written, 60, _ADA, "a drill"))
    assert made.decision.client == kept


@pytest.mark.parametrize(
    ("written", "widest"), [("192.0.2.0/23", 24), ("0.0.0.0/0", 24), ("2001:db8::/47", 48)]
)
def test_a_network_that_is_many_clients_is_refused(home: Home, written: str, widest: int) -> None:
    with pytest.raises(InvalidError, match=f"is wider than a /{widest}: that is not one client"):
        asyncio.run(home.quarantines.impose(written, 60, _ADA, "a drill"))
    with pytest.raises(NotThereError, match="keyhole quarantine list shows"):
        asyncio.run(home.quarantines.lift(7, _ADA, None))


def test_the_end_of_a_quarantine_by_time_is_said_and_it_is_listed_until_then(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    asyncio.run(home.quarantines.impose("token:tv", 60, _ADA, "a drill"))
    later = time.time() + 61
    monkeypatch.setattr(time, "time", lambda: later)
    assert [one.decision.client for one in home.quarantines.active()] == ["token:tv"]
    doubts: list[str | None] = ["the clock is ahead", None]
    clock = cast(ClockWatch, SimpleNamespace(check=lambda: doubts[0]))
    data = DataFolder(home.log.folder)
    data.make()

    async def nothing() -> None:
        return None

    reconciler = cast(Any, SimpleNamespace(apply_overrides=nothing))
    notices = home.log.notices
    store = OverrideStore(
        home.log.database, data, reconciler, notices.append, cast(Any, nothing), clock
    )
    store._is_copy_old()
    asyncio.run(store._end())
    assert "quarantine 1 is over" not in home.log.said
    doubts.pop(0)
    asyncio.run(store._end())
    assert home.log.said[-1] == "quarantine 1 is over"
    assert home.quarantines.active() == []


@pytest.mark.parametrize(
    "shown", [{"token": "till"}, {"identity": "spiffe://example.org/ns/shop/sa/web"}]
)
def test_a_policy_puts_the_client_of_a_document_in_quarantine_with_its_addresses(
    home: Home, shown: dict[str, Any]
) -> None:
    home.log.write(_line(**shown, **_BLOCKED))
    assert home.see_to() == [("client:shop", "keyhole")]


def test_the_last_good_snapshot_keeps_the_quarantines_of_policies(home: Home) -> None:
    data = DataFolder(home.log.folder)
    data.make()
    compiled = Compiled(home.snapshot, home.snapshot, {}, (), "")
    data.snapshot.write_bytes(compiled.octets)
    data.last_good.write_bytes(last_good_octets(compiled))
    kept = read_last_good(data)
    assert kept is not None
    assert kept.plain == home.snapshot

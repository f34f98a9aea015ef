"""Findings are made of the query log, once of each query, and never grow beyond their bounds."""

import json
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from keyhole.control.clock import ClockWatch
from keyhole.control.error import InvalidError, NotThereError
from keyhole.control.findings import FindingCollector, FindingService, waiting
from keyhole.control.findings.finding import (
    MAX_ANONYMOUS,
    MAX_FINDINGS,
    MAX_NAMES,
    MAX_OF_CLIENT,
    MAX_POINTS,
)
from keyhole.control.notice import Notice
from keyhole.control.parts import Parts
from keyhole.querylog.spool import Piece, Position
from keyhole.store import Actor, Database, StoreError
from keyhole.store import records as audit_records

_LINE = {
    "transport": "dot", "client": "192.0.2.7", "identity": None, "token": None, "policy": "home",
    "name": "x.evil.example", "type": "A", "outcome": "answered", "reason": "forwarded",
    "rule": None, "list": None, "observed": "tunneling: alert", "upstream": None,
    "duration_us": 5, "snapshot": 1, "domain": "evil.example", "octets": 1_030,
}  # fmt: skip
_REFUSED = {"outcome": "refused", "reason": "tunnel_budget", "observed": None}
_ADA = Actor("ada", "socket")


def _line(at: float = 0.0, **changes: Any) -> bytes:
    """A line of a query that came so many seconds ago."""
    second = time.gmtime(time.time() - at)
    moment = time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", second)
    return json.dumps({"time": moment, **_LINE, **changes}, separators=(",", ":")).encode() + b"\n"


class Log:
    """The query log of one machine, and who makes findings of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = Database.in_file(folder / "control.db")
        self.notices: list[Notice] = []
        self.start()

    def start(self) -> None:
        """As a process that starts."""
        clock = cast(ClockWatch, SimpleNamespace(check=lambda: None))
        notify = self.notices.append
        self.parts = Parts(notify)
        self.collector = FindingCollector(
            self.database, self.folder, (3_600.0, 600.0), notify, self.parts, clock
        )
        self.findings = FindingService(self.collector)

    @property
    def said(self) -> list[str]:
        """The first lines of all notices."""
        return [notice.text for notice in self.notices]

    def write(self, *lines: bytes) -> None:
        """Appends lines, and has them looked at."""
        with (self.folder / "queries.jsonl").open("ab") as file:
            file.write(b"".join(lines))
        self.collector.look()


@pytest.fixture
def log(tmp_path: Path) -> Iterable[Log]:
    made = Log(tmp_path)
    yield made
    made.database.close()


def test_what_many_clients_told_a_domain_together_is_one_finding_without_a_client(log: Log) -> None:
    split = {"observed": "tunneling: split", "octets": 9_000, "clients": 40}
    log.write(
        _line(60, **split),
        _line(50, client="192.0.2.8", name="y.evil.example", **{**split, "clients": 44}),
        _line(40, client="192.0.2.9", **{**split, "octets": 9_100}),
        _line(token="tv", outcome="blocked", reason="tunnel_split", observed=None, clients=45),
    )
    (one,) = log.findings.all()
    assert (one.kind, one.client_kind, one.client, one.domain) == (
        "split", "several", "", "evil.example",
    )  # fmt: skip
    assert (one.level, one.octets, one.evidence.clients) == ("block", 9_100, 45)
    assert (one.evidence.observed, one.evidence.refused) == ({"alert": 3}, {"block": 1})
    assert len(one.evidence.names) == 2
    log.start()
    assert log.findings.all() == [one], "as the database has it"


def test_a_client_that_asks_for_many_domains_that_do_not_exist_is_one_finding(log: Log) -> None:
    missing: dict[str, Any] = {"domain": None, "octets": None, "observed": "missing domains"}
    log.write(
        _line(60, name="a.example", missing=51, **missing),
        _line(50, name="b.example", missing=52, **missing),
        _line(name="c.example", missing=52, **{**missing, "observed": None},
              outcome="blocked", reason="missing_domains"),
    )  # fmt: skip
    (one,) = log.findings.all()
    assert (one.kind, one.client, one.domain, one.level, one.octets) == (
        "missing", "192.0.2.7", "", "throttle", 52,
    )  # fmt: skip
    assert (one.evidence.observed, one.evidence.refused) == ({"alert": 2}, {"throttle": 1})
    assert [name for name, _ in one.evidence.names] == ["a.example", "b.example", "c.example"]


def test_a_finding_says_who_where_how_much_and_what_was_done(log: Log) -> None:
    other = _line(name='"octets":.example', domain=None, octets=None, observed=None)
    log.write(
        b"damaged\n", other, _line(60), b'{"octets":9}\n',
        _line(50, name="y.evil.example", octets=4_100, count=3, **_REFUSED),
        _line(40, name="y.evil.example", octets=4_100, **_REFUSED),
        _line(client="2001:db8:0:12::7"), _line(client="2001:db8:0:f0::9"),
        _line(client=None), _line(token="tv"),
    )  # fmt: skip
    found = {(one.client_kind, one.client): one for one in log.findings.all()}
    assert [*found] == [
        ("address", "2001:db8::/56"), ("anonymous", ""), ("token", "tv"), ("address", "192.0.2.7"),
    ]  # fmt: skip
    one = found["address", "192.0.2.7"]
    assert (one.domain, one.policy, one.level, one.octets) == (
        "evil.example",
        "home",
        "block",
        4_100,
    )
    assert [name for name, _ in one.evidence.names] == ["x.evil.example", "y.evil.example"]
    assert (one.evidence.observed, one.evidence.refused) == ({"alert": 1}, {"block": 4})
    assert [octets for _, octets in one.evidence.curve] == [1_030, 4_100, 4_100]
    assert one.last - one.first in (19, 20, 21)
    assert log.said == ["4 new findings; keyhole findings shows them"]


def test_a_query_counts_once_however_often_control_starts(log: Log) -> None:
    log.write(_line(), _line())
    log.start()
    log.write(_line())
    piece = Piece(_line(), Position("abc", 100))
    for _ in range(2):
        log.collector.take_remote("spiffe://a.example/engine", piece)
    assert [one.evidence.observed for one in log.findings.all()] == [{"alert": 4}]


def test_what_another_engine_sent_while_the_database_failed_is_taken_later_in_its_order(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Something unexpected in one piece does not hold up those behind it."""
    broken = {"first": StoreError("no room"), "second": ValueError("odd")}
    begin = log.database.begin

    def failing() -> Any:
        if broken:
            raise next(iter(broken.values()))
        return begin()

    monkeypatch.setattr(log.database, "begin", failing)
    for at in (100, 200):
        log.collector.take_remote("spiffe://a.example/engine", Piece(_line(), Position("abc", at)))
    log.collector.look()
    assert [one.name for one in log.parts.states()] == ["findings of other engines"]
    assert log.findings.all() == []
    broken.clear()
    last = Piece(_line(octets=2**32) + _line(), Position("abc", 300))
    log.collector.take_remote("spiffe://a.example/engine", last)
    assert [one.evidence.observed for one in log.findings.all()] == [{"alert": 3}]
    assert log.parts.states() == []
    broken["second"] = ValueError("odd")
    log.collector.take_remote("spiffe://a.example/engine", replace(last, position=Position("x", 1)))
    assert log.said[-1].startswith("2 lines of the engine spiffe://a.example/engine make no")
    monkeypatch.setattr(waiting, "MAX_WAITING", len(last.lines) + 1)
    broken = {"first": StoreError("no room")}
    for at in (400, 500):
        log.collector.take_remote(
            "spiffe://a.example/engine", replace(last, position=Position("abc", at))
        )
    broken = {}
    log.collector._waiting.retry()
    assert [one.evidence.observed for one in log.findings.all()] == [{"alert": 4}]


def test_what_comes_after_a_finding_was_closed_is_a_new_one_and_a_mute_goes_on_counting(
    log: Log,
) -> None:
    log.write(_line())
    log.findings.close(1, _ADA, "reinstalled")
    log.write(_line())
    assert [(one.number, one.state) for one in log.findings.all()] == [(1, "closed"), (2, "open")]
    log.findings.mute(2, 3_600, _ADA, "backup")
    log.write(_line())
    muted = log.findings.find(2)
    assert (muted.state, muted.who, muted.why) == ("muted", "ada", "backup")
    assert muted.evidence.observed == {"alert": 2}
    assert log.findings.counts() == {("tunnel", "closed"): 1, ("tunnel", "muted"): 1}
    ended = replace(muted, until=int(time.time()) - 1)
    log.collector.change(lambda *_: ended)
    assert log.findings.find(2).state == "open"
    with log.database.read() as connection:
        records = [one.entry for one in audit_records(connection)]
    made = [entry.action for entry in records]
    said = str([records, log.notices])
    assert made == ["finding_muted", "finding_closed"]
    assert "192.0.2.7" not in said
    assert "evil.example" not in said
    with pytest.raises(NotThereError, match="no finding 7"):
        log.findings.close(7, _ADA, None)
    with pytest.raises(InvalidError):
        log.findings.mute(2, 5, _ADA, "too short")


def test_the_evidence_of_a_finding_stays_within_its_bounds(log: Log) -> None:
    log.write(*(_line(name=f"{n}.evil.example", octets=1_030 + n) for n in range(300)))
    one = log.findings.find(1)
    assert len(one.evidence.names) == MAX_NAMES
    assert one.evidence.names[0][0] == "0.evil.example"
    assert one.evidence.names[-1][0] == "299.evil.example"
    assert len(one.evidence.curve) <= MAX_POINTS
    assert one.evidence.curve[-1][1] == 1_329


def _of(log: Log, client: str) -> set[str]:
    return {one.domain for one in log.findings.all() if one.client == client}


def test_a_client_that_invents_domains_takes_no_finding_and_no_mute_from_others(log: Log) -> None:
    """That it has too many is said once."""
    log.write(_line(client="192.0.2.8"), _line(domain="muted.example"), _line(0, **_REFUSED))
    log.findings.mute(2, 3_600, _ADA, "backup")
    for turn in range(3):
        log.write(*(_line(domain=f"d{turn}-{number}.example") for number in range(400)))
    invented = _of(log, "192.0.2.7")
    assert len(invented) == MAX_OF_CLIENT + 1
    assert {"muted.example", "evil.example"} <= invented
    assert _of(log, "192.0.2.8") == {"evil.example"}
    assert [said for said in log.said if "more than" in said] == [
        "the client of finding 403 has more than 50 findings"
    ]
    assert sum("new finding" in said for said in log.said) == 2
    log.write(*(_line(client=None, domain=f"d{number}.example") for number in range(300)))
    assert len(_of(log, "")) == MAX_ANONYMOUS
    assert log.said[-2] == "more than 200 findings have no client"


def test_of_too_many_findings_those_of_the_client_with_the_most_go(log: Log) -> None:
    few = [_line(100, client=f"198.51.100.{number}") for number in range(100)]
    many = [
        _line(client=f"192.0.2.{client}", domain=f"d{number}.example")
        for client in range(25)
        for number in range(40)
    ]
    log.write(*few)
    log.findings.close(1, _ADA, None)
    log.write(*many)
    assert len(log.findings.all()) == MAX_FINDINGS
    assert log.findings.find(100).client == "198.51.100.99"
    with pytest.raises(NotThereError):
        log.findings.find(1)
    assert {len(_of(log, f"192.0.2.{client}")) for client in range(25)} == {36, 37}
    assert "there are more than 1,000 findings" in log.said


def test_no_number_is_given_twice(log: Log) -> None:
    log.write(_line(3_700), _line(3_800, domain="other.example"))
    log.collector.clean()
    assert log.findings.all() == []
    log.write(_line())
    assert [one.number for one in log.findings.all()] == [3]
    log.findings.close(3, _ADA, None)
    old = replace(log.findings.find(3), last=0)
    log.collector.change(lambda *_: old)
    log.collector.clean()
    log.start()
    log.write(_line())
    assert [one.number for one in log.findings.all()] == [4]


def test_a_finding_is_kept_no_longer_than_the_log_and_its_client_no_longer_than_there(
    log: Log,
) -> None:
    log.write(_line(), _line(700, client="192.0.2.8"), _line(3_700, client="192.0.2.9"))
    log.collector.clean()
    left = [(one.number, one.client_kind, one.client) for one in log.findings.all()]
    assert left == [(1, "address", "192.0.2.7"), (2, "anonymous", "")]


def test_a_finding_that_goes_on_keeps_no_evidence_that_is_older_than_the_log(log: Log) -> None:
    """Also none that is older than the log has clients, while it has its own."""
    ages = (3_700, 3_000, 700, 60)
    log.write(
        *(_line(at, name=f"{at}.evil.example", octets=9_000 - at) for at in ages),
        *(_line(at, name=f"{at}.evil.example", client=None, octets=9_000 - at) for at in ages),
    )
    log.write(_line(30, name="700.evil.example", octets=8_990))
    log.collector.clean()
    log.start()
    named, anonymous = log.findings.all()
    assert [name for name, _ in named.evidence.names] == ["700.evil.example", "60.evil.example"]
    assert [octets for _, octets in named.evidence.curve] == [8_940, 8_990]
    assert named.first == named.evidence.curve[0][0]
    assert named.evidence.observed == {"alert": 5}
    assert [octets for _, octets in anonymous.evidence.curve] == [6_000, 8_300, 8_940]
    assert anonymous.evidence.names[0][0] == "3000.evil.example"


def test_a_line_from_a_clock_that_is_wrong_makes_no_finding(log: Log) -> None:
    log.write(_line(-3 * 86_400))
    assert log.findings.all() == []

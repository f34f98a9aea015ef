"""The report: its formats, its order, its exit code, and hostile words in it."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console

from keyhole.errors import KeyholeError
from keyhole.verify.check import Check, Seen, Threat, Verdict, run_check
from keyhole.verify.checks import ALL
from keyhole.verify.error import SkippedError, VerifyError
from keyhole.verify.formats import FORMATS
from keyhole.verify.formats.table import show
from keyhole.verify.proof import Proof, keep_proving, prove
from keyhole.verify.run import Report, chosen, run_checks
from keyhole.verify.server import Server
from keyhole.verify.target import Target
from tests.world.certificates import Authority
from tests.world.wide_open import WideOpen

HOSTILE = "<script>alert(1)</script> ]]> \" ' & \x1b[31m \x00 \u202e [red]"
TARGET = Target(title="198.51.100.7", open=[])


def _skips(_: Target) -> Seen:
    raise SkippedError("needs root")


def _breaks(_: Target) -> Seen:
    raise ValueError(HOSTILE)


def _check(word: str, run: object) -> Check:
    return Check(word, f"{word} <b>", Threat.SPOOFING, ("RFC 5452",), "a & b", "c < d", run)  # type: ignore[arg-type]


CHECKS = (
    _check("one", lambda _: Seen(True, "fine")),
    _check("two", lambda _: Seen(False, HOSTILE)),
    _check("three", _skips),
    _check("four", _breaks),
)


@pytest.fixture
def report() -> Report:
    return run_checks(CHECKS, TARGET)


def test_what_is_wrong_comes_first_and_decides_the_exit_code(report: Report) -> None:
    assert [line.verdict.value for line in report.in_order_of_interest()] == [
        *("fail", "error", "skip", "pass")
    ]
    assert report.exit_code == 1
    assert run_checks(CHECKS[3:], TARGET).exit_code == 1, "what could not be done is no proof"
    assert run_checks(CHECKS[:1] + CHECKS[2:3], TARGET).exit_code == 0
    assert run_checks(CHECKS[2:3], TARGET).exit_code == 2, "what was skipped is no proof"


def test_a_check_that_tries_nothing_does_not_pass() -> None:
    line = run_check(_check("none", lambda _: Seen.of([], 0, "fine")), TARGET)
    assert (line.verdict, line.seen) == (Verdict.ERROR, "VerifyError: nothing was tried")


def test_a_line_holds_nothing_that_moves_a_cursor_or_ends_an_xml(report: Report) -> None:
    assert all(line.seen.isprintable() for line in report.lines)
    endless = run_check(_check("long", lambda _: Seen(False, "x" * 10_000)), TARGET)
    assert len(endless.seen) <= 400


def test_json_has_each_line_with_all_its_words(report: Report) -> None:
    document = json.loads(FORMATS["json"](report))
    assert document["counts"] == {"pass": 1, "fail": 1, "skip": 1, "error": 1}
    assert {one["id"] for one in document["lines"]} == {"one", "two", "three", "four"}
    failed = document["lines"][0]
    assert failed["standards"] == ["RFC 5452"]
    assert (failed["tried"], failed["expected"]) == ("a & b", "c < d")
    assert failed["seen"].startswith("<script>")


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]


def test_html_is_one_file_that_runs_and_loads_nothing(report: Report) -> None:
    page = FORMATS["html"](report)
    parser = _Tags()
    parser.feed(page)
    assert not {"script", "link", "img", "iframe", "b", "object"} & set(parser.tags)
    assert not [one for one in parser.attributes if one.startswith("on") or one in ("src", "href")]
    assert "default-src &#x27;none&#x27;" in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert not re.search(r"url\(|@import", page)


def test_junit_has_a_case_for_each_line_in_the_form_that_servers_read(report: Report) -> None:
    root = ElementTree.fromstring(FORMATS["junit"](report))
    suite = root.find("testsuite")
    assert root.tag == "testsuites"
    assert suite is not None
    counts = {word: suite.get(word) for word in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "4", "failures": "1", "errors": "1", "skipped": "1"}
    ends = {case.get("name"): [child.tag for child in case] for case in suite}
    assert ends == {
        "one": ["system-out"],
        "two": ["failure"],
        "three": ["skipped"],
        "four": ["error"],
    }
    assert all(case.get("classname") and case.get("time") for case in suite)


def test_sarif_keeps_the_rules_of_its_version(report: Report) -> None:
    document = json.loads(FORMATS["sarif"](report))
    assert document["version"] == "2.1.0"
    (run,) = document["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert len({one["id"] for one in rules}) == len(rules), "section 3.19.23: unique"
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["message"]["text"]
        # Section 3.27.10: a level other than none goes with the kind fail alone.
        assert (result["level"] == "none") == (result["kind"] != "fail")
    kinds = [one["kind"] for one in run["results"]]
    assert kinds == ["pass", "fail", "notApplicable", "open"]
    assert run["invocations"][0]["executionSuccessful"] is False
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", run["invocations"][0]["startTimeUtc"])


def test_metrics_say_which_promise_is_broken_and_nothing_of_a_server(report: Report) -> None:
    text = FORMATS["prometheus"](report)
    (held, lines, started) = text_string_to_metric_families(text)
    values = {sample.labels["check"]: sample.value for sample in held.samples}
    assert values == {"one": 1, "two": 0, "four": 0}, "what was skipped has no series"
    assert {sample.labels["verdict"] for sample in lines.samples} == set(Verdict)
    assert started.samples[0].value == int(report.started.timestamp())
    assert "script" not in text


def test_a_watch_tells_once_what_broke_and_once_that_it_holds_again(
    authority: Authority, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    vice, file, told = "compares names with case", tmp_path / "verify.prom", []

    def pause() -> None:
        told.append((capsys.readouterr(), 'check="bypass-case"' in file.read_text()))
        # Broken in the second and third run, mended in the fourth; then it is interrupted.
        if len(told) == 4:
            raise KeyboardInterrupt
        (server.vices.add if len(told) < 3 else server.vices.discard)(vice)

    with WideOpen(authority) as server:
        there = Server(
            *("127.0.0.1", None, server.ports["dot"]),
            ca=authority.root,
            known="www.example.org",
            blocked="blocked.example",
        )
        proof = Proof(("bypass-case", "bypass-flags"), ("prometheus",), (file,))
        with pytest.raises(KeyboardInterrupt):
            keep_proving(proof, there, None, pause)
    outputs = [said.out for said, _ in told]
    assert outputs[0].count("pass  ") == 2
    assert [("fail  " in one, "(bypass-case" in one) for one in outputs[1:]] == [
        *((True, True), (False, False), (False, True))
    ]
    assert not any("(bypass-flags" in one for one in outputs[1:])
    assert all(seen for _, seen in told)


def test_the_table_tells_all_of_what_failed_and_one_line_of_the_rest(report: Report) -> None:
    console = Console(width=200, record=True, color_system=None)
    show(console, report)
    text = console.export_text()
    assert text.index("fail ") < text.index("pass ")
    assert "expected: c < d" in text
    assert "[red]" in text, "no markup of a server"
    assert "skipped: needs root" in text
    assert "198.51.100.7: 1 pass, 1 fail, 1 skip, 1 error" in text


def test_each_check_has_an_id_of_its_own_and_says_who_asks_for_it() -> None:
    assert len({one.id for one in ALL}) == len(ALL)
    for one in ALL:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", one.id)
        assert one.standards, one.id
        assert all((one.title, one.tried, one.expected)), one.id
    assert ALL[-1].id == "no-clear-hop", "the capture is judged when all others have asked"


@pytest.mark.parametrize(
    ("proof", "said"),
    [
        (Proof(only=("rebind",)), "there is no check rebind"),
        (
            Proof(formats=("pdf",)),
            "pdf is no format; there are json, html, junit, sarif, prometheus",
        ),
        (Proof(outputs=(Path("a.json"),)), "in pairs"),
        (Proof(formats=("json", "html")), "in pairs"),
        (Proof(formats=("json",), outputs=(Path("/nowhere/a.json"),)), "no folder /nowhere"),
    ],
)
def test_a_wrong_word_is_told_before_anything_is_attacked(proof: Proof, said: str) -> None:
    with pytest.raises(VerifyError, match=re.escape(said)):
        proof.check()


def test_another_keyhole_is_asked_at_the_ports_that_were_given() -> None:
    usual = Server("192.0.2.1").target()
    assert [str(one) for one in usual.open] == [
        *("udp 192.0.2.1:5300", "tcp 192.0.2.1:5300", "dot 192.0.2.1:8853", "doh 192.0.2.1:8443")
    ]
    strict = Server("192.0.2.1", dot=853, strict=True).target()
    assert (strict.open, [str(one) for one in strict.strict]) == ([], ["dot 192.0.2.1:853"])
    words = Server("192.0.2.1", dot=853, doh=443, token="t", strict=True)
    known = replace(words, name="resolver.example.net").target()
    assert [one.token for one in known.open] == ["t", "t"]
    assert [one.token for one in known.strict] == [None, None]


def test_a_port_that_answers_by_where_one_is_stays_open_beside_strict_ones() -> None:
    mixed = Server("192.0.2.1", tcp=5300, dot=853, strict=True).target()
    assert [str(one) for one in mixed.open] == ["tcp 192.0.2.1:5300"]
    assert [str(one) for one in mixed.strict] == ["dot 192.0.2.1:853"]
    alone = Server("192.0.2.1", tcp=5300).target()
    assert ([str(one) for one in alone.open], alone.strict) == (["tcp 192.0.2.1:5300"], [])
    with pytest.raises(VerifyError, match="give one"):
        Server("192.0.2.1", api="http://a", closed_api="http://a").target()


def test_a_lasting_mistake_ends_a_watch_before_its_first_run() -> None:
    # Over DoT the token stands before a name (docs/guides/identity.md); an address has none.
    token = Server("192.0.2.1", dot=853, token="t")
    for server, lab, said in (
        (token, None, "give the name with --name"),
        (Server("192.0.2.1", ca=Path("/nowhere/root.pem")), None, "no file /nowhere/root.pem"),
        (None, Path("/nowhere/ready.json"), "cannot read /nowhere/ready.json"),
    ):
        with pytest.raises(KeyholeError, match=said):
            keep_proving(Proof(), server, lab, pytest.fail)


def test_what_was_found_is_told_although_its_file_cannot_be_written(
    authority: Authority, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (file := tmp_path / "proof.json").mkdir()
    codes = []
    with WideOpen(authority) as server:
        there = Server(
            *("127.0.0.1", None, server.ports["dot"]),
            ca=authority.root,
            known="www.example.org",
            blocked="blocked.example",
        )
        for vices in ({"compares names with case"}, set[str]()):
            server.vices = vices
            codes.append(prove(Proof(("bypass-case",), ("json",), (file,)), there, None))
    said = capsys.readouterr()
    assert codes == [1, 2]
    assert "fail  " in said.out
    assert said.err.count("error: ") == 2


def test_a_check_without_what_it_needs_is_skipped_with_the_option_that_gives_it() -> None:
    report = run_checks(chosen([]), Target(title="nothing", open=[]))
    assert {line.verdict for line in report.lines} == {Verdict.SKIP}
    said = {line.check.id: line.seen for line in report.lines}
    assert said["bypass-case"] == "needs a name that the policy blocks: --blocked"
    assert said["admin-host"] == "needs the address of the API: --api"
    assert said["identity-required"].endswith("--strict")


def test_the_time_of_a_report_is_in_utc(report: Report) -> None:
    assert report.started.tzinfo is UTC
    assert report.started <= datetime.now(UTC)

"""`keyhole verify` on the lab: all green, and red where a defense is taken away."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from keyhole.model.proof import ProofReport
from keyhole.verify.check import Verdict
from keyhole.verify.endpoint import ask
from keyhole.verify.lab_documents import Document
from keyhole.verify.question import question
from keyhole.verify.run import chosen, lab_target, run_checks
from tests.world.lab import Lab
from tests.world.process import call_keyhole
from tests.world.tools import needs_root

FORMATS = ("json", "html", "junit", "sarif", "prometheus")


def test_the_lab_keeps_every_promise_and_each_format_says_so(
    shared_lab: Lab, tmp_path: Path
) -> None:
    ready = tmp_path / "ready.json"
    ready.write_text(json.dumps(shared_lab.ready))
    files = [
        word
        for one in FORMATS
        for word in ("--format", one, "--output", str(tmp_path / f"proof.{one}"))
    ]
    done = call_keyhole("verify", "--lab", str(ready), *files)
    report = json.loads((tmp_path / "proof.json").read_text())
    wrong = {
        one["id"]: one["seen"] for one in report["lines"] if one["verdict"] in ("fail", "error")
    }
    assert wrong == {}
    told = {key: report[key] for key in ("target", "started", "lines")}
    assert len(ProofReport.model_validate(told).lines) == len(report["lines"])
    assert done.returncode == 0, done.stderr
    # A capture needs root, and a machine that is not too busy for it.
    skipped = {one["id"] for one in report["lines"] if one["verdict"] == "skip"}
    assert skipped <= {"no-clear-hop"}
    assert report["counts"]["pass"] > 45
    assert "the lab: " in done.stdout
    assert all((tmp_path / f"proof.{one}").stat().st_size > 1000 for one in FORMATS)
    left = list((Path(shared_lab.ready["data"]) / "resolver" / "documents").glob("verify*"))
    assert left == [], "its documents are gone"


def _without(**changes: object) -> Callable[[list[Document]], list[Document]]:
    def change(documents: list[Document]) -> list[Document]:
        for one in documents:
            if one["kind"] == "Policy":
                one["spec"] |= {key: changes[key] for key in changes if key in one["spec"]}
        return documents

    return change


def test_each_defense_that_is_switched_off_turns_its_line_red(shared_lab: Lab) -> None:
    weak = _without(tunneling="observe", privateAddresses="allow", default="allow")
    with lab_target(shared_lab.ready, weak) as target:
        lab = target.lab
        assert lab is not None
        with lab.api() as api:
            # As if the policies of the lab blocked nothing.
            api.post("/pauses", json={"seconds": 300, "why": "a test"}).raise_for_status()
        try:
            off = {
                *("tunnel-budget", "rebinding", "amplification"),
                *("bypass-transport", "bypass-case", "bypass-flags", "bypass-alias", "evidence"),
            }
            report = run_checks(chosen(off), target)
        finally:
            with lab.api() as api:
                api.delete("/pauses").raise_for_status()
    assert {line.check.id for line in report.lines if line.verdict is Verdict.FAIL} == off


@needs_root
def test_a_name_in_the_clear_is_seen_on_its_hop(shared_lab: Lab) -> None:
    with lab_target(shared_lab.ready) as target:
        udp = target.over("udp")[0]
        assert ask(udp, question(target.secret_name())).rcode == "NOERROR"
        (line,) = run_checks(chosen(["no-clear-hop"]), target).lines
    assert line.verdict is Verdict.FAIL
    assert f"UDP from port {udp.port}" in line.seen or f"to {udp.port}" in line.seen


def test_another_keyhole_is_attacked_only_with_permission(shared_lab: Lab) -> None:
    at = [
        *("verify", "--server", "127.0.0.1", "--dns", str(shared_lab.server.udp)),
        *("--dot", str(shared_lab.server.dot), "--ca", shared_lab.ready["ca"]),
        *("--known", "www.example.org", "--blocked", shared_lab.ready["blocked_example"]),
    ]
    refused = call_keyhole(*at)
    assert refused.returncode == 2
    assert "--i-have-permission" in refused.stderr
    tried = ("--only", "bypass-case", "--only", "old-tls", "--only", "evidence")
    done = call_keyhole(*at, *tried, "--i-have-permission", "--format", "json")
    verdicts = {one["id"]: one["verdict"] for one in json.loads(done.stdout)["lines"]}
    assert verdicts == {"bypass-case": "pass", "old-tls": "pass", "evidence": "skip"}
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--only", "nothing"), "there is no check nothing"),
        (("--lab", "/nowhere/ready.json"), "cannot read /nowhere/ready.json"),
        (("--lab", __file__), "is not the ready file of a lab"),
    ],
    ids=["unknown check", "no ready file", "another file"],
)
def test_what_cannot_run_ends_with_2_and_says_why(words: tuple[str, ...], said: str) -> None:
    done = call_keyhole("verify", *words)
    assert done.returncode == 2
    assert said in done.stderr

"""Lines that need the inside of a lab turn red, too: here its resolver believes everybody."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest

from keyhole.identity.sign import Signer
from keyhole.verify.check import Line, Verdict, run_check
from keyhole.verify.checks import evidence
from keyhole.verify.endpoint import Certificate, Endpoint
from keyhole.verify.forged import Forger
from keyhole.verify.lab import RESOLVER, WEB
from keyhole.verify.lab_documents import LIARS, identity
from keyhole.verify.liar import Liar
from keyhole.verify.run import chosen
from keyhole.verify.target import Target
from tests.world.certificates import Authority
from tests.world.wide_open import WideOpen

_ROW = {
    "identity": WEB,
    "policy": "web",
    "outcome": "blocked",
    "rule": None,
    "list": "ads",
    "lock_in": {"closed": True},
    "lock_out": {"closed": True},
}


class CredulousLab:
    """A lab whose resolver hands on whatever its upstream says: its clients ask the liars
    themselves. ``row`` is what its log says of any query."""

    def __init__(self, folder: Path, opened: ExitStack, row: dict[str, Any] | None = None) -> None:
        now = datetime.now(UTC)
        self.forger = Forger(folder, RESOLVER, Signer.root("root", now).issuer(None, now))
        self.liars = {word: Liar(None) for word in LIARS}
        for one in self.liars.values():
            opened.callback(one.close)
        self.row = row

    def identity(self, spiffe: str) -> Certificate:
        return self.forger.of(spiffe)

    def asked_as(self, spiffe: str, transport: str = "dot") -> Endpoint:
        mine = [word for word in LIARS if identity(word) == spiffe]
        return Endpoint("tcp", "127.0.0.1", self.liars[mine[0] if mine else "liar"].port)

    @contextmanager
    def api(self) -> Iterator[httpx2.Client]:
        def respond(request: httpx2.Request) -> httpx2.Response:
            items = [] if self.row is None else [self.row]
            return httpx2.Response(200, json={"items": items})

        transport = httpx2.MockTransport(respond)
        with httpx2.Client(transport=transport, base_url="http://lab.example") as client:
            yield client


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[CredulousLab]:
    with ExitStack() as opened:
        yield CredulousLab(tmp_path, opened)


def _target(lab: Any, **changes: Any) -> Target:
    liar = Endpoint("tcp", "127.0.0.1", lab.liars["liar"].port)
    return Target(title="credulous", open=[liar], lab=lab, blocked="b.example", **changes)


def _line(check: str, target: Target) -> Line:
    return run_check(chosen([check])[0], target)


@pytest.mark.parametrize(
    "check",
    [
        "bypass-cache", "tunnel-budget", "forged-answers", "poisoned-extra",
        "upstream-certificate", "upstream-cleartext", "fail-closed", "query-rebuilt", "rebinding",
        "rebinding-policy",
    ],
)  # fmt: skip
def test_a_resolver_that_believes_its_upstream_is_red(lab: CredulousLab, check: str) -> None:
    line = _line(check, _target(lab))
    assert line.verdict is Verdict.FAIL
    assert line.seen


@pytest.mark.parametrize(
    "forgery",
    [
        "expired", "not-yet-valid", "server-purpose", "other-domain", "no-identity",
        "other-workload",
    ],
)  # fmt: skip
def test_a_listener_that_believes_any_certificate_is_red(
    lab: CredulousLab, authority: Authority, forgery: str
) -> None:
    with WideOpen(authority, "believes any certificate") as server:
        line = _line(f"client-{forgery}", server.target(lab=lab))
    assert line.verdict is Verdict.FAIL
    assert line.seen.count("answered") == 2, "over DoT and DoH"


def test_a_budget_that_stops_others_too_is_red(lab: CredulousLab, authority: Authority) -> None:
    with WideOpen(authority, "answers nothing") as server:
        lab.asked_as = lambda *_: server.endpoint("tcp")  # type: ignore[method-assign]
        line = _line("tunnel-others", _target(lab))
    assert line.verdict is Verdict.FAIL


def test_a_revocation_that_does_not_act_is_red(
    lab: CredulousLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "REVOCATION_SECONDS", 0.05)
    line = _line("revocation", _target(lab))
    assert line.verdict is Verdict.FAIL
    assert "still answered" in line.seen


def test_an_answer_that_fails_is_no_revocation(
    lab: CredulousLab, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "REVOCATION_SECONDS", 0.05)
    with WideOpen(authority, "answers nothing") as server:
        lab.asked_as = lambda *_: server.endpoint("tcp")  # type: ignore[method-assign]
        line = _line("revocation", _target(lab))
    assert line.verdict is Verdict.FAIL
    assert "open connection SERVFAIL, new one SERVFAIL" in line.seen


def test_a_lie_that_was_never_told_is_no_defense(lab: CredulousLab, authority: Authority) -> None:
    with WideOpen(authority, "answers nothing") as server:
        lab.asked_as = lambda *_: server.endpoint("tcp")  # type: ignore[method-assign]
        line = _line("rebinding", _target(lab))
    assert line.verdict is Verdict.ERROR
    assert "was not reached: SERVFAIL" in line.seen


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, None),
        ({"identity": None}, "not who asked"),
        ({"lock_in": {"closed": False}}, "not protected on its way in"),
        ({"lock_out": None}, "not protected on its way out"),
        ({"list": None}, "no rule or list"),
        ({"outcome": "answered"}, "the log says answered"),
    ],
)
def test_a_log_without_the_evidence_is_red(
    lab: CredulousLab, change: dict[str, Any], said: str | None
) -> None:
    lab.row = {**_ROW, **change}
    line = _line("evidence", _target(lab))
    assert line.verdict is (Verdict.FAIL if said else Verdict.PASS)
    assert (said or "TLS in and out") in line.seen


def test_a_query_that_is_not_in_the_log_is_red(
    lab: CredulousLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "_LOG_SECONDS", 0.05)
    assert _line("evidence", _target(lab)).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("vices", "verdict"),
    [((), "pass"), (("sets a weak cookie",), "fail"), (("gives one session",), "fail")],
)
def test_a_cookie_that_scripts_can_read_is_red(
    lab: CredulousLab, authority: Authority, vices: tuple[str, ...], verdict: str
) -> None:
    with WideOpen(authority, *vices) as server:
        line = _line("admin-cookie", server.target(lab=lab))
    assert line.verdict == verdict, line.seen


@pytest.mark.parametrize(("frames", "verdict"), [([], "pass"), ([bytes(60)], "fail")])
def test_a_frame_with_a_name_in_the_clear_is_red(
    lab: CredulousLab, frames: list[bytes], verdict: str
) -> None:
    capture: Any = SimpleNamespace(finish=lambda: (9, frames))
    assert _line("no-clear-hop", _target(lab, capture=capture)).verdict == verdict


def test_the_row_of_a_log_is_as_the_api_gives_it() -> None:
    # The fields that the check of evidence reads stand in the document of the API.
    document = json.loads((Path(__file__).parents[3] / "schema" / "openapi.json").read_text())
    row = document["components"]["schemas"]["QueryRow"]["properties"]
    assert set(_ROW) <= set(row)

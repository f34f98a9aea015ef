"""Each line of `keyhole verify` turns red when its defense is gone, and only then."""

from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from keyhole.verify.check import Line, Verdict, run_check
from keyhole.verify.checks import ALL
from keyhole.verify.endpoint import ask
from keyhole.verify.question import question
from keyhole.verify.run import chosen, run_checks
from keyhole.verify.target import Target
from tests.world.certificates import Authority
from tests.world.http_server import HttpServer
from tests.world.ports import free_port
from tests.world.wide_open import WideOpen

TLS = ("dot", "doh")
RED = {
    "speaks cleartext DNS on the port of TLS": {"no-cleartext-dns"},
    "speaks HTTP without TLS": {"no-cleartext-http"},
    "takes old TLS": {"old-tls"},
    "asks for no certificate": {"identity-required"},
    "believes any certificate": {"identity-required", "client-self-signed", "client-other-root"},
    "compares names with case": {"bypass-case"},
    "obeys CD": {"bypass-flags"},
    "obeys client subnets": {"bypass-edns"},
    "blocks A alone": {"bypass-types"},
    "answers other classes": {"bypass-class"},
    "answers several questions": {"bypass-questions"},
    "follows aliases": {"bypass-alias"},
    "blocks nothing": {"bypass-transport"},
    "lets tunnels pass": {"tunnel-budget"},
    "amplifies": {"amplification"},
    "sends large answers over UDP": {"udp-size"},
    "cuts answers without a word": {"udp-size"},
    "answers ANY in full": {"any", "amplification-made"},
    "hands out zones": {"zone-transfer"},
    "tells its version": {"version"},
    "ends at a malformed message": {"malformed"},
    "waits for silent connections": {"half-open"},
    "answers without sign-in": {"admin-sign-in"},
    "takes any Host": {"admin-host"},
    "lets any origin read": {"admin-cross-origin"},
    "obeys method override": {"admin-shapes"},
    "upgrades to h2c": {"admin-upgrade"},
    "speaks HTTP/2 without TLS": {"admin-upgrade"},
    "sends no headers for browsers": {"admin-headers"},
    "tells names in metrics": {"metrics-names"},
}
"""What the server does wrong, and the lines that must say so."""
_IN_THE_LAB = "only in the lab"


def test_a_server_that_keeps_every_promise_is_green_on_every_line(authority: Authority) -> None:
    with WideOpen(authority) as server:
        target = server.target()
        lines = [run_check(one, target) for one in ALL]
    wrong = {line.check.id: line.seen for line in lines if line.verdict is Verdict.FAIL}
    errors = {line.check.id: line.seen for line in lines if line.verdict is Verdict.ERROR}
    assert (wrong, errors) == ({}, {})
    skipped = {line.check.id for line in lines if line.verdict is Verdict.SKIP}
    assert all(_IN_THE_LAB in line.seen for line in lines if line.check.id in skipped)
    # What this server can do wrong was tried.
    assert set().union(*RED.values()).isdisjoint(skipped)


@pytest.mark.parametrize("vice", RED)
def test_the_line_turns_red_when_a_server(authority: Authority, vice: str) -> None:
    with WideOpen(authority, vice) as server:
        target = server.target()
        lines = {one.id: run_check(one, target) for one in chosen(RED[vice])}
    assert {word: line.verdict for word, line in lines.items()} == dict.fromkeys(
        RED[vice], Verdict.FAIL
    )
    assert all(line.seen for line in lines.values()), "it says what came through"


def _run(authority: Authority, vice: str, check: str) -> Line:
    with WideOpen(authority, vice) as server:
        return run_check(chosen([check])[0], server.target())


def test_a_server_with_another_name_does_not_prove_itself(authority: Authority) -> None:
    line = _run(authority, "has a certificate for another name", "server-certificate")
    assert line.verdict is Verdict.FAIL
    assert "certificate verify failed" in line.seen


def test_the_name_of_a_server_may_differ_from_its_address(authority: Authority) -> None:
    with WideOpen(authority, "has a certificate for another name") as server:
        there = {one: replace(server.endpoint(one), name="other.example.org") for one in TLS}
        said = {one: ask(there[one], question("www.example.org")).rcode for one in TLS}
        by_address = [ask(server.endpoint(one), question("www.example.org")).rcode for one in TLS]
    assert said == {"dot": "NOERROR", "doh": "NOERROR"}
    assert by_address == ["TLS: certificate verify failed"] * 2


@pytest.mark.parametrize("check", ["bypass-case", "any", "zone-transfer", "tunnel-budget"])
def test_a_server_that_answers_nothing_passes_no_check_of_refusals(
    authority: Authority, check: str
) -> None:
    line = _run(authority, "answers nothing", check)
    assert line.verdict is Verdict.ERROR
    assert "www.example.org is not answered" in line.seen


def test_a_listener_that_refuses_the_good_certificate_is_red(authority: Authority) -> None:
    with WideOpen(authority, "answers nothing") as server:
        line = run_check(chosen(["client-good"])[0], server.target())
    assert line.verdict is Verdict.FAIL


@pytest.fixture(scope="module")
def dead(authority: Authority) -> Target:
    """A target where nothing listens."""
    server = WideOpen(authority)
    words = ("udp", "tcp", "dot", "doh", "dot-strict", "doh-strict", "outside", "http")
    server.ports = {word: free_port() for word in words}
    return server.target()


NETWORK = [
    *("no-cleartext-dns", "no-cleartext-http", "old-tls", "server-certificate"),
    *("identity-required", "client-self-signed", "client-other-root", "amplification"),
    *(
        "amplification-made",
        "udp-size",
        "any",
        "zone-transfer",
        "version",
        "bypass-case",
        "tunnel-budget",
        "malformed",
    ),
    *("admin-sign-in", "admin-host", "admin-cross-origin", "admin-shapes", "admin-upgrade"),
    *("admin-headers", "metrics-names"),
]


@pytest.mark.parametrize("check", NETWORK)
def test_a_host_that_is_not_there_keeps_no_promise(dead: Target, check: str) -> None:
    line = run_check(chosen([check])[0], dead)
    assert line.verdict is Verdict.ERROR, line.seen


def test_a_server_of_another_root_is_not_taken_for_one_that_refuses(authority: Authority) -> None:
    with WideOpen(authority) as server:
        strict = [replace(one, ca=None) for one in server.target().strict]
        target = server.target(strict=strict, open=[])
        wanted = ["no-cleartext-dns", "old-tls", "identity-required", "client-self-signed"]
        lines = run_checks(chosen(wanted), target).lines
    assert {line.verdict for line in lines} == {Verdict.ERROR}
    assert all("certificate verify failed" in line.seen for line in lines)


def test_a_strict_server_without_credentials_leaves_what_needs_them_out(
    authority: Authority,
) -> None:
    with WideOpen(authority) as server:
        report = run_checks(chosen([]), server.target(open=[]))
    skipped = {line.check.id: line.seen for line in report.lines if line.verdict is Verdict.SKIP}
    needed = {one for one, why in skipped.items() if why.startswith("needs --cert or --token-file")}
    assert {one.id for one in ALL if one.id.startswith("bypass-")} - {"bypass-cache"} <= needed
    assert {"any", "malformed", "tunnel-budget"} <= needed


def test_another_web_server_is_not_taken_for_an_api_that_refuses(authority: Authority) -> None:
    wanted = [one.id for one in ALL if one.id.startswith("admin-") and one.id != "admin-cookie"]
    with WideOpen(authority, "has no such path") as server:
        lines = run_checks(chosen([*wanted, "metrics-names"]), server.target()).lines
    assert {line.verdict for line in lines} == {Verdict.ERROR}
    assert all("HTTP 404" in line.seen for line in lines)


def test_metrics_and_api_over_https_are_read_with_the_given_root_alone(
    authority: Authority,
) -> None:
    wanted = chosen(["metrics-names", "admin-sign-in", "admin-shapes"])
    with WideOpen(authority) as server:
        api = f"https://127.0.0.1:{server.ports['https']}"
        places: dict[str, Any] = {"api": api, "metrics": [f"{api}/metrics"]}
        lines = run_checks(wanted, server.target(**places, api_ca=authority.root)).lines
        strange = run_checks(wanted, server.target(**places)).lines
    assert [line.verdict for line in lines] == [Verdict.PASS] * 3, [line.seen for line in lines]
    assert [line.verdict for line in strange] == [Verdict.ERROR] * 3


def test_no_answer_at_all_is_no_budget_for_tunnels(authority: Authority) -> None:
    with WideOpen(authority, "refuses tunnels at once") as server:
        line = run_check(chosen(["tunnel-budget"])[0], server.target())
    assert line.verdict is Verdict.ERROR
    assert "no name left" in line.seen


@pytest.mark.parametrize(
    ("status", "verdict"),
    [(403, Verdict.PASS), (401, Verdict.PASS), (503, Verdict.ERROR), (200, Verdict.FAIL)],
)
def test_a_closed_api_is_one_that_refuses_and_not_one_that_is_away(
    status: int, verdict: Verdict
) -> None:
    class Answers(BaseHTTPRequestHandler):
        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline(65537)
            if self.raw_requestline and self.parse_request():
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HttpServer(Answers) as server:
        target = Target("closed", [], closed_api=f"http://127.0.0.1:{server.port}")
        line = run_check(chosen(["admin-sign-in"])[0], target)
    assert line.verdict is verdict, line.seen


def test_a_closed_api_at_which_nothing_listens_proves_nothing() -> None:
    target = Target("closed", [], closed_api=f"http://127.0.0.1:{free_port()}")
    assert run_check(chosen(["admin-sign-in"])[0], target).verdict is Verdict.ERROR

"""The lab: a whole world on loopback that leaves nothing behind."""

import signal
from pathlib import Path

import httpx2
import pytest
from cryptography import x509

from tests.world.ask import TRANSPORTS, Transport
from tests.world.callers import NOBODY, Caller, ask_as
from tests.world.lab import Lab
from tests.world.no_tls import NO_TLS
from tests.world.outcome import outcome_of, word
from tests.world.process import Program, call_keyhole
from tests.world.waiting import until


def test_the_ready_file_says_where_everything_is(shared_lab: Lab) -> None:
    ready = shared_lab.ready
    assert {"dns", "forwarder", "blocked_example", "ca", "data", "pids"} <= ready.keys()
    assert {"udp", "tcp", "dot", "doh"} <= ready["dns"].keys()
    assert Path(ready["ca"]).read_text().startswith("-----BEGIN CERTIFICATE-----")
    assert Path(ready["data"]).is_dir()
    assert set(ready["pids"].values()) <= set(shared_lab.program.survivors())


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_the_lab_answers_and_blocks_on_every_transport(
    shared_lab: Lab, transport: Transport
) -> None:
    reply = shared_lab.server.ask("www.example.org", transport=transport)
    assert reply.rcode == "NOERROR"
    assert reply.addresses[0].startswith(("198.18.", "198.19."))
    blocked = shared_lab.server.ask(shared_lab.ready["blocked_example"], transport=transport)
    assert [code for code, _ in blocked.errors] == [15]


def test_the_commands_find_the_whole_resolver_of_the_lab(shared_lab: Lab) -> None:
    data = str(Path(shared_lab.ready["data"]) / "resolver")
    blocked = shared_lab.ready["blocked_example"]
    shared_lab.server.ask(blocked)

    def found() -> bool:
        done = call_keyhole("log", "--data", data, "--since", "5m", "--name", blocked, "--why")
        return done.returncode == 0 and f"{blocked} A" in done.stdout

    until(found, "the query is found")
    # An upstream that was slow for a moment is something wrong, too.
    until(lambda: call_keyhole("status", "--data", data).returncode == 0, "status says all works")
    for command in ("stats", "engines", "decisions", "people list"):
        done = call_keyhole(*command.split(), "--data", data)
        assert done.returncode == 0, f"{command}: {done.stderr}"
    listed = httpx2.get(f"{shared_lab.ready['api']}/api/v1/health", trust_env=False, verify=NO_TLS)
    assert listed.status_code == 200


WORKLOADS = {
    "shop/web": "spiffe://keyhole.lab/ns/shop/sa/web",
    "shop/payments": "spiffe://keyhole.lab/ns/shop/sa/payments",
    "build/ci": "spiffe://keyhole.lab/ns/build/sa/ci",
    "netshoot": "spiffe://keyhole.lab/ns/tools/sa/netshoot",
    "bad/wrong-ca": "spiffe://keyhole.lab/ns/shop/sa/payments",
    "bad/expired": "spiffe://keyhole.lab/ns/shop/sa/web",
}
each_way = pytest.mark.parametrize("way", ["dot", "doh1", "doh2"])


def test_the_ready_file_says_who_the_workloads_are(shared_lab: Lab) -> None:
    told = shared_lab.ready["workloads"]
    assert {name: one["spiffe"] for name, one in told.items()} == WORKLOADS
    for name in WORKLOADS:
        pair = shared_lab.workload(name).certificate
        assert pair is not None
        names = pair.leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        uris = names.get_values_for_type(x509.UniformResourceIdentifier)
        assert uris == [WORKLOADS[name]]
        assert pair.key.stat().st_mode & 0o077 == 0


@each_way
def test_each_workload_meets_its_own_policy(shared_lab: Lab, way: str) -> None:
    def said(workload: str, name: str) -> str:
        return word(ask_as(shared_lab.server, way, shared_lab.workload(workload), name))

    assert said("shop/payments", "gateway.payments.example") == "answered"
    assert said("shop/payments", "www.example.org") == "denied_by_default"
    assert said("shop/web", "www.example.org") == "answered"
    assert said("shop/web", "fonts.typography.example") == "blocked_by_list"
    assert said("netshoot", "fonts.typography.example") == "answered"
    assert said("netshoot", "rebind.example.net") == "answered"
    assert said("shop/web", "rebind.example.net") == "private_address"
    assert said("build/ci", "registry.packages.example") == "answered"
    assert said("build/ci", "api.shop.example") == "denied_by_default"
    for workload in ("shop/web", "netshoot", "build/ci"):
        assert said(workload, shared_lab.ready["blocked_example"]) == "blocked_by_list"


@each_way
def test_a_record_of_payments_is_seen_by_payments_alone(shared_lab: Lab, way: str) -> None:
    def seen(workload: str) -> list[str]:
        caller = shared_lab.workload(workload)
        return ask_as(shared_lab.server, way, caller, "ledger.bank.example").addresses

    assert seen("shop/payments") == ["192.0.2.40"]
    assert seen("shop/web")[0].startswith(("198.18.", "198.19."))


@each_way
def test_the_bad_ones_get_nothing(shared_lab: Lab, way: str) -> None:
    server = shared_lab.server
    assert outcome_of(server, way, shared_lab.workload("bad/wrong-ca")) == "unknown ca"
    expired = shared_lab.workload("bad/expired")
    assert outcome_of(server, way, expired) == "denied_by_default"
    # Except the way to a new certificate.
    assert word(ask_as(server, way, expired, "control.example.net")) == "answered"


@each_way
def test_the_forwarder_answers_the_resolver_and_nobody_else(shared_lab: Lab, way: str) -> None:
    for workload in ("shop/web", "netshoot"):
        assert outcome_of(shared_lab.forwarder, way, shared_lab.workload(workload)) == "no_policy"
    assert outcome_of(shared_lab.forwarder, way, NOBODY) == "no_identity"
    assert (
        outcome_of(shared_lab.forwarder, way, shared_lab.workload("bad/wrong-ca")) == "unknown ca"
    )


def test_the_television_is_known_by_its_token(shared_lab: Lab) -> None:
    token = Path(shared_lab.ready["tokens"]["office/tv"]).read_text().strip()
    for way in ("dot", "doh2"):
        caller = Caller(token=token)
        assert word(ask_as(shared_lab.server, way, caller, "films.media.example")) == "answered"
        assert outcome_of(shared_lab.server, way, caller) == "denied_by_default"


def test_a_certificate_that_was_lost_is_issued_again_while_it_runs(shared_lab: Lab) -> None:
    pair = shared_lab.workload("build/ci").certificate
    assert pair is not None
    before = pair.leaf.serial_number
    pair.key.unlink()
    until(lambda: pair.key.exists() and pair.leaf.serial_number != before, "it is issued again")
    caller = shared_lab.workload("build/ci")
    assert word(ask_as(shared_lab.server, "dot", caller, "git.forge.example")) == "answered"


def test_our_own_dig_asks_as_a_workload(shared_lab: Lab) -> None:
    server, files = shared_lab.server, shared_lab.ready["workloads"]

    def dig(workload: str, name: str, *more: str) -> str:
        shown = ["--cert", files[workload]["cert"], "--key", files[workload]["key"]]
        said = call_keyhole("dig", name, f"@127.0.0.1:{server.dot}", "+tls", "--ca",
                            str(server.ca), *shown, *more)  # fmt: skip
        return said.stdout + said.stderr

    assert "198.1" in dig("shop/web", "www.example.org")
    denied = dig("shop/payments", "www.example.org")
    assert WORKLOADS["shop/payments"] in denied
    assert "may ask only certain names, and not this one" in denied
    assert "trusts no authority that signed our certificate" in dig("bad/wrong-ca", "a.example.org")
    assert "denied_by_default" in dig("bad/expired", "www.example.org")


def test_our_own_dig_asks_with_a_token(shared_lab: Lab) -> None:
    server = shared_lab.server
    token = Path(shared_lab.ready["tokens"]["office/tv"]).read_text().strip()
    for how in (["+https", f"@127.0.0.1:{server.doh}"],
                ["+tls", f"@127.0.0.1:{server.dot}", "--name", server.domain]):  # fmt: skip
        said = call_keyhole("dig", "films.media.example", *how, "--ca", str(server.ca),
                            "--token-file", "-", given=token)  # fmt: skip
        assert said.returncode == 0, said.stdout + said.stderr
        assert token not in said.stdout


def test_our_own_dig_shows_the_answer_and_the_certificate(shared_lab: Lab) -> None:
    server = shared_lab.server
    shown = call_keyhole("dig", "www.example.org", "--server", server.url, "--ca", str(server.ca))
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert "198.1" in shown.stdout


def test_two_labs_run_side_by_side_and_end_alone(shared_lab: Lab, tmp_path: Path) -> None:
    second = Lab(tmp_path, start=Program.keyhole)
    try:
        assert second.server.ask("www.example.org").rcode == "NOERROR"
        assert shared_lab.server.ask("www.example.org").rcode == "NOERROR"
    finally:
        code = second.program.stop(signal.SIGINT)
    assert code in (0, 130), second.program.output
    assert "Traceback" not in second.program.output
    assert shared_lab.server.ask("still.example.org").rcode == "NOERROR"

"""Section A (A2, A3, A7): what must hold whatever else is wrong."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest

from keyhole.identity.files import locked
from tests.world import own_authority as own
from tests.world.api import PASSWORD, Browser, set_up
from tests.world.callers import Caller
from tests.world.fleet import BERLIN, Fleet
from tests.world.outcome import outcome_of
from tests.world.ports import free_port
from tests.world.process import run_keyhole
from tests.world.resolver import Resolver, document
from tests.world.trust import TrustDomain
from tests.world.upstream import Upstream

_TYPO = "typo.yaml"


def break_documents(resolver: Resolver) -> None:
    """A typo stands in the documents, and control has seen it."""
    (resolver.documents / _TYPO).write_text("kind: Polcy\n")
    resolver.wait_for(lambda: "no kind Polcy" in resolver.program.output, "the typo is told")


@pytest.fixture
def home(tmp_path: Path) -> TrustDomain:
    return TrustDomain(tmp_path / "home", "home.test")


@pytest.fixture
def strict(
    make_resolver: Callable[[], Resolver], upstream: Upstream, home: TrustDomain
) -> Resolver:
    """A resolver that knows its clients; started."""
    one = make_resolver()
    one.configure(
        authentication={"dot": "strict", "doh": "strict"},
        listen=one.listen("mesh", "doh_cleartext"),
        identity={"trust_domain": "own.test"},
        mesh={"trust_domains": ["own.test"]},
    )
    subjects = ["spiffe://own.test/*", "spiffe://home.test/*", "token:tv", "cidr:127.0.0.0/8"]
    one.write(
        one.upstream(upstream.port),
        home.write(one.documents),
        document("Policy", "home", subjects=subjects, default="allow", upstreams=["test"]),
    )
    return one.start()


def _revocations(
    resolver: Resolver, home: TrustDomain, folder: Path
) -> dict[str, tuple[Caller, Callable[[], Any], set[str]]]:
    """Each way to take something away: who asks, the act, and how it is refused afterwards."""

    def revoke(*words: str) -> Callable[[], None]:
        return lambda: own.revoke(resolver, *words)

    web = Caller(certificate=own.issue(resolver, "shop/web", folder / "web"))
    older = Caller(certificate=own.issue(resolver, "shop/older", folder / "older"))
    one = own.issue(resolver, "shop/one", folder / "one")
    tv = Caller(token=own.create_token(resolver, "tv"))
    resolver.wait_for(
        lambda: outcome_of(resolver.server, "doh1", tv) == "answered", "the token is known"
    )
    serial = f"{one.leaf.serial_number:x}"
    mesh = Caller(vouched="spiffe://own.test/ns/shop/sa/sidecar")
    revoked, unknown = {"certificate revoked"}, {"unknown_token"}
    return {
        "identity": (web, revoke("shop/web"), revoked),
        "certificates": (
            older,
            lambda: own.revoke(resolver, "shop/older", "--certificates"),
            revoked,
        ),
        "serial": (
            Caller(certificate=one),
            revoke("--serial", serial),
            revoked,
        ),
        "token": (tv, lambda: own.revoke_token(resolver, "tv"), unknown),
        "mesh": (mesh, revoke("spiffe://own.test/ns/shop/sa/sidecar"), {"identity_revoked"}),
    }


def test_what_is_revoked_is_refused_as_soon_as_the_command_ends_while_a_document_is_invalid(
    strict: Resolver, home: TrustDomain, tmp_path: Path
) -> None:
    """A2: `identity revoke` and `token revoke` do not wait for a typo to be mended, nor does a
    restart forget them."""
    ways = _revocations(strict, home, tmp_path)
    break_documents(strict)
    for name, (caller, act, how) in ways.items():
        way = caller.ways()[0]
        assert outcome_of(strict.server, way, caller) == "answered", name
        act()
        assert outcome_of(strict.server, way, caller) in how, name
    strict.stop()
    strict.start_refusing()
    for name, (caller, _, how) in ways.items():
        assert outcome_of(strict.server, caller.ways()[0], caller) in how, name
    fresh = Caller(certificate=own.issue(strict, "shop/older", tmp_path / "fresh"))
    assert outcome_of(strict.server, "dot", fresh) == "answered", "it may get another certificate"


def test_what_is_revoked_while_nothing_runs_is_refused_from_the_first_answer_on(
    strict: Resolver, home: TrustDomain, tmp_path: Path
) -> None:
    """A2: also at the start, with a document that is not valid."""
    ways = _revocations(strict, home, tmp_path)
    strict.stop()
    (strict.documents / _TYPO).write_text("kind: Polcy\n")
    for _, act, _ in ways.values():
        act()
    strict.start_refusing()
    for name, (caller, _, how) in ways.items():
        assert outcome_of(strict.server, caller.ways()[0], caller) in how, name


@pytest.mark.parametrize("damaged", ["settings", "settings gone", "tokens", "authority"])
def test_what_is_revoked_is_refused_while_another_file_cannot_be_read(
    strict: Resolver, tmp_path: Path, damaged: str
) -> None:
    """A2: the settings, the tokens and the authority are read apart from the revocations."""
    web = Caller(certificate=own.issue(strict, "shop/web", tmp_path / "web"))
    tv = Caller(token=own.create_token(strict, "tv"))
    for caller, way in ((web, "dot"), (tv, "doh1")):
        outcome = partial(outcome_of, strict.server, way, caller)
        strict.wait_for(lambda ask=outcome: ask() == "answered", "both are known")
    identity = strict.folder / "identity"
    file = {"tokens": identity / "tokens.json", "authority": identity / "bundle.pem"}
    broken = file.get(damaged, strict.config)
    if damaged == "settings gone":
        broken.unlink()
    else:
        broken.write_text("{")
    own.revoke(strict, "shop/web")
    assert outcome_of(strict.server, "dot", web) == "certificate revoked"
    if damaged == "tokens":
        assert outcome_of(strict.server, "doh1", tv) == "answered", "the last good ones stay"
    else:
        own.revoke_token(strict, "tv")
        assert outcome_of(strict.server, "doh1", tv) == "unknown_token"


def test_certificates_of_a_mesh_are_not_called_revoked_where_nobody_sees_them(
    strict: Resolver, tmp_path: Path
) -> None:
    """A2, A3: a sidecar names an identity and not its certificate; the whole identity can be
    refused."""
    foreign = "spiffe://cluster.test/ns/shop/sa/web"
    done = strict.command(
        "identity", "revoke", "spiffe://own.test/ns/shop/sa/web", "--certificates"
    )
    assert (done.returncode, "served there as before" in _plain(done.stderr)) == (0, True)
    domains = ["own.test", "cluster.test"]
    strict.configure(
        **{**json.loads(strict.config.read_text()), "mesh": {"trust_domains": domains}}
    )
    done = strict.command("identity", "revoke", foreign, "--certificates")
    assert (done.returncode, "leave --certificates out" in _plain(done.stderr)) == (1, True)
    assert "revoked" not in done.stdout
    assert strict.command("identity", "revoke", foreign).returncode == 0


def _plain(text: str) -> str:
    return " ".join(text.split())


def test_a_damaged_copy_of_the_stored_documents_takes_no_trust_away(
    strict: Resolver, home: TrustDomain
) -> None:
    """A2: what cannot be read does not say that a trust domain was given up."""
    (strict.documents / "trustdomain-home.test.yaml").unlink()
    stored = home.write(strict.documents)
    assert strict.command("apply", "-f", "-", given=json.dumps(stored)).returncode == 0
    caller = Caller(certificate=home.svid("ns/shop/sa/kept"))
    strict.wait_for(
        lambda: outcome_of(strict.server, "dot", caller) == "answered", "the stored one is trusted"
    )
    (strict.folder / "state" / "stored" / "documents.json").write_text("{")
    break_documents(strict)
    own.create_token(strict, "later")
    assert outcome_of(strict.server, "dot", caller) == "answered"


def test_trust_that_a_document_or_file_gives_up_ends_while_another_document_is_invalid(
    strict: Resolver, home: TrustDomain
) -> None:
    """A2: a revocation list, a root, and a whole trust domain are taken away as well."""
    lost, kept = home.svid("ns/shop/sa/lost"), Caller(certificate=home.svid("ns/shop/sa/kept"))
    server = strict.server
    break_documents(strict)
    home.revoked.append(lost)
    home.write(strict.documents)
    caller = Caller(certificate=lost)
    strict.wait_for(
        lambda: outcome_of(server, "dot", caller) == "certificate revoked", "its list is taken"
    )
    assert outcome_of(server, "dot", kept) == "answered"
    (strict.documents / "trustdomain-home.test.yaml").unlink()
    # Nobody is trusted any more, so nobody is asked for a certificate.
    strict.wait_for(lambda: outcome_of(server, "dot", kept) == "no_identity", "its domain is gone")


def test_a_root_that_is_trusted_no_longer_ends_while_a_document_is_invalid(
    strict: Resolver, tmp_path: Path
) -> None:
    """A2: `identity rotate --finish` takes trust away, too."""
    old = Caller(certificate=own.issue(strict, "shop/old", tmp_path / "old"))
    strict.wait_for(
        lambda: outcome_of(strict.server, "dot", old) == "answered", "its authority is trusted"
    )
    break_documents(strict)
    own.keyhole(strict, "identity", "rotate")
    own.keyhole(strict, "identity", "rotate", "--sign")
    new = Caller(certificate=own.issue(strict, "shop/new", tmp_path / "new"))
    own.keyhole(strict, "identity", "rotate", "--finish", "--force")
    assert outcome_of(strict.server, "dot", old) == "unknown ca"
    assert outcome_of(strict.server, "dot", new) == "answered"


def test_a_pause_and_a_decision_act_while_a_document_is_invalid_also_after_a_restart(
    resolver: Resolver, upstream: Upstream
) -> None:
    """A2: they are laid over the last good snapshot, and taken back there."""
    rules = [{"block": ["blocked.example.org"]}]
    resolver.write(
        document("Policy", "home", default="allow", upstreams=["test"], rules=rules),
    )
    resolver.start()
    for is_again in (False, True):
        if is_again:
            resolver.stop()
            resolver.start_refusing()
        else:
            break_documents(resolver)
        assert resolver.server.ask("blocked.example.org").rcode == "NXDOMAIN"
        assert resolver.command("pause", "--for", "10m").returncode == 0
        assert resolver.server.ask("blocked.example.org").rcode == "NOERROR"
        assert resolver.command("resume").returncode == 0
        assert resolver.server.ask("blocked.example.org").rcode == "NXDOMAIN"
        made = resolver.command("allow", "blocked.example.org", "--json")
        assert made.returncode == 0, made.stderr
        assert resolver.server.ask("blocked.example.org").rcode == "NOERROR"
        number = str(json.loads(made.stdout)["decision"]["number"])
        assert resolver.command("decisions", "--remove", number).returncode == 0
        assert resolver.server.ask("blocked.example.org").rcode == "NXDOMAIN"


@contextmanager
def _stopped(pids: list[int], identity: Path | None = None) -> Iterator[None]:
    """Processes that do not run; none of them holds the lock of ``identity``."""
    with locked(identity) if identity else nullcontext():
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def test_a_revocation_reaches_engines_on_other_machines_or_names_those_that_lack_it(
    make_resolver: Callable[[], Resolver], upstream: Upstream, tmp_path: Path
) -> None:
    """A2: the command ends when every engine has said that it has it, within a bound that this
    test waits for; else it fails, and `status` shows what is not yet everywhere."""
    fleet = Fleet(make_resolver)
    fleet.engine_host.configure(authentication={"dot": "strict"})
    control, host = fleet.control, fleet.engine_host
    control.write(
        control.upstream(upstream.port),
        document(
            "Policy",
            "home",
            subjects=["spiffe://keyhole.internal/*", "cidr:127.0.0.0/8"],
            default="allow",
            upstreams=["test"],
        ),
    )
    fleet.start()
    first = Caller(certificate=own.issue(control, "shop/first", tmp_path / "first"))
    second = Caller(certificate=own.issue(control, "shop/second", tmp_path / "second"))
    assert outcome_of(host.server, "dot", first) == "answered"
    break_documents(control)
    own.revoke(control, "shop/first")
    assert outcome_of(host.server, "dot", first) == "certificate revoked"
    with _stopped(host.program.children("engine")):
        done = run_keyhole("identity", "revoke", "shop/second", "--data", str(control.folder))
        assert done.returncode == 1
        assert BERLIN in done.stderr, done.stderr
        assert outcome_of(control.server, "dot", second) == "certificate revoked", (
            "the others have it"
        )
        assert BERLIN in control.command("status").stdout
        paused = control.command("pause", "--for", "1h")
        assert (paused.returncode, BERLIN in paused.stderr) == (1, True), paused.stderr
    host.wait_for(
        lambda: outcome_of(host.server, "dot", second) == "certificate revoked",
        "it gets it when it goes on",
    )
    # It says so with its next poll.
    control.wait_for(
        lambda: "not yet" not in control.command("status").stdout, "control knows that it has it"
    )


def test_a_revocation_that_control_cannot_deliver_says_so(strict: Resolver, tmp_path: Path) -> None:
    """A2: while control does not answer, the command waits its time and names the engine."""
    web = Caller(certificate=own.issue(strict, "shop/web", tmp_path / "web"))
    strict.wait_for(
        lambda: outcome_of(strict.server, "dot", web) == "answered", "its authority is trusted"
    )
    (control,) = strict.program.children("control")
    with _stopped([control], strict.folder / "identity"):
        done = run_keyhole("identity", "revoke", "shop/web", "--data", str(strict.folder))
        assert done.returncode == 1
        assert "not yet at local" in done.stderr
    strict.wait_for(
        lambda: outcome_of(strict.server, "dot", web) == "certificate revoked",
        "it is delivered later",
    )


@pytest.fixture
def network(resolver: Resolver) -> Iterator[tuple[Resolver, Browser]]:
    """A resolver with its API on the network, and the browser of its administrator."""
    port = free_port()
    resolver.configure(api={"listen": [f"127.0.0.1:{port}"], "pihole": True})
    resolver.start()
    admin = set_up(resolver, f"http://127.0.0.1:{port}")
    yield resolver, admin
    admin.close()


def _ends(lines: Iterator[str]) -> str:
    """How a stream ends: the server cuts it off, so that nobody takes it for complete."""
    try:
        for _ in lines:
            pass
    except httpx2.TransportError:
        return "cut off"
    return "complete"


def test_an_open_event_stream_ends_with_the_token_or_the_session_that_opened_it(
    network: tuple[Resolver, Browser],
) -> None:
    """A7: each round asks again whether the caller may still have it."""
    resolver, admin = network

    def token(name: str, role: str) -> dict[str, str]:
        made = resolver.api("POST", "/tokens", json={"name": name, "role": role})
        return {"authorization": f"Bearer {made.json()['secret']}"}

    def disable() -> None:
        assert resolver.api("PATCH", "/people/anna", json={"is_disabled": True}).is_success

    revoked, kept = token("revoked", "viewer"), token("kept", "viewer")
    password = resolver.api("POST", "/people", json={"name": "anna", "role": "viewer"}).json()
    anna = Browser(admin.url)
    assert anna.log_in("anna", password["password"]).is_success
    assert anna.ask("PUT", "/session/password", json={"new": PASSWORD}).is_success
    program = Browser(admin.url)
    with program.client.stream("GET", "/queries/live", headers=kept) as on:
        goes_on = on.iter_lines()
        assert next(goes_on) == ": listening"
        for who, headers, act in (
            (program, revoked, lambda: resolver.api("DELETE", "/tokens/revoked")),
            (anna, {}, disable),
        ):
            with who.client.stream("GET", "/queries/live", headers=headers) as stream:
                lines = stream.iter_lines()
                assert next(lines) == ": listening"
                act()
                assert _ends(lines) == "cut off"
        resolver.server.ask("www.example.org")
        assert any(line.startswith("event: query") for line in goes_on), "the others go on"
    program.close()
    anna.close()

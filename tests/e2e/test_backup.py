"""A Keyhole that is backed up while it runs and changes, and restored, is the same Keyhole."""

import copy
import json
import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.world.api import PASSWORD, browser, set_up
from tests.world.ask import Server
from tests.world.callers import Caller, ask_as
from tests.world.certificates import Authority, Pair
from tests.world.outcome import outcome_of
from tests.world.own_authority import create_token, issue, revoke, revoke_token
from tests.world.ports import free_port
from tests.world.process import call_keyhole
from tests.world.resolver import Resolver, document

ALLOWED, ADDRESS = "printer.example.org", "192.0.2.7"
REVOKED = "certificate revoked"
LISTED, DECIDED, STORED = "ads.example.net", "decided.example.org", "stored.example.org"


@dataclass
class World:
    """A Keyhole with a bit of everything, its backup, and what was revoked before and after it."""

    resolver: Resolver
    url: str
    backup: Path
    token: str
    later_token: str
    kept: Pair
    revoked: Pair
    later: Pair

    def moved_to(self, folder: Path) -> Resolver:
        """The same Keyhole in another folder; only one of them may run."""
        other = copy.copy(self.resolver)
        other.folder, other.documents = folder, folder / "documents"
        other.config = folder / "keyhole.yaml"
        other._program = None
        return other


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("backup")
    resolver, port = Resolver(folder / "data", authority), free_port()
    url = f"http://127.0.0.1:{port}"
    resolver.configure(
        tls={"names": ["resolver.example.org"]},
        api={"listen": [f"127.0.0.1:{port}"], "clients": ["127.0.0.1/32"]},
    )
    (resolver.documents / "ads.txt").write_text(f"{LISTED}\n")
    resolver.write(
        document("Record", "printer", name=ALLOWED, a=[ADDRESS]),
        document("List", "ads", kind="block", files=["ads.txt"]),
        document("Policy", "home", default="allow", upstreams=["test"], lists=["ads"]),
    )
    try:
        resolver.start()
        stored = folder / "stored.yaml"
        stored.write_text(json.dumps(document("Record", "stored", name=STORED, a=[ADDRESS])))
        for words in (("apply", "-f", str(stored)), ("block", DECIDED)):
            done = resolver.command(*words)
            assert done.returncode == 0, done.stdout + done.stderr
        set_up(resolver, url).close()
        token, later_token = (create_token(resolver, name) for name in ("tv", "radio"))
        certificates = [
            issue(resolver, name, folder / name, "--spiffe", f"spiffe://keyhole.internal/{name}")
            for name in ("kept", "revoked", "later")
        ]
        revoke(resolver, "spiffe://keyhole.internal/revoked")
        backup = _back_up_while_written_to(resolver, folder / "keyhole.tar.gz")
        revoke(resolver, "spiffe://keyhole.internal/later")
        revoke_token(resolver, "radio")
        resolver.stop()
        yield World(resolver, url, backup, token, later_token, *certificates)
    finally:
        resolver.stop()


def _back_up_while_written_to(resolver: Resolver, out: Path) -> Path:
    enough, written = threading.Event(), list[bool]()

    def write() -> None:
        while not enough.is_set():
            body = {"name": f"w{len(written)}", "role": "viewer"}
            written.append(resolver.api("POST", "/people", json=body).is_success)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        done = resolver.command("backup", str(out))
    finally:
        enough.set()
        writer.join()
    assert done.returncode == 0, done.stdout + done.stderr
    assert written
    assert all(written)
    return out


def _trusting(resolver: Resolver) -> Server:
    """Its server, whose certificate its own authority has issued."""
    return replace(resolver.server, ca=resolver.folder / "identity" / "root.pem")


def _answers(world: World, resolver: Resolver) -> None:
    server = _trusting(resolver)

    def rcode(name: str) -> str:
        return server.ask(name, transport="tcp").rcode

    resolver.begin()
    resolver.wait_for(lambda: resolver.try_ask(ALLOWED) is not None, "it answers")
    assert server.ask(ALLOWED, transport="tcp").addresses == [ADDRESS]
    assert server.ask(STORED, transport="tcp").addresses == [ADDRESS]
    assert [rcode(LISTED), rcode(DECIDED)] == ["NXDOMAIN", "NXDOMAIN"]
    # A token that is newer than the snapshot in the backup waits for the first compilation.
    known = Caller(token=world.token)
    resolver.wait_for(
        lambda: ask_as(server, "dot", known, ALLOWED).addresses == [ADDRESS], "the token is known"
    )
    assert outcome_of(server, "dot", Caller(certificate=world.revoked)) == REVOKED
    resolver.wait_for_api()
    with browser(world.url) as one:
        assert one.log_in("admin", PASSWORD).is_success


def _restored_says(resolver: Resolver) -> str:
    return call_keyhole("status", "--data", str(resolver.folder)).stdout


def test_a_backup_restored_elsewhere_answers_as_before(world: World, tmp_path: Path) -> None:
    """E15: policies, records, lists, tokens, revocations, decisions and accounts."""
    target = tmp_path / "other"
    done = call_keyhole("restore", str(world.backup), "--data", str(target))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "is not in it, and trusted again" in done.stdout
    assert stat.S_IMODE(target.stat().st_mode) == 0o700
    assert {stat.S_IMODE(one.stat().st_mode) for one in target.glob("identity/*key.pem")} == {0o600}
    resolver = world.moved_to(target)
    try:
        _answers(world, resolver)
        assert "what was revoked since is not in it" in _restored_says(resolver)
        resolver.wait_for(
            lambda: '"action": "restore"' in resolver.command("audit", "--json").stdout,
            "the audit record names the restore",
        )
        # The people who were written meanwhile may have left many entries after it.
        record = resolver.command("audit", "--json", "--lines", "1000").stdout
        assert '"action": "backup"' in record
        assert resolver.command("audit", "--verify").returncode == 0
    finally:
        resolver.stop()


def test_what_was_revoked_after_the_backup_stays_revoked(world: World) -> None:
    """The folder that is replaced says what it was."""
    resolver = world.resolver
    words = ("restore", str(world.backup), "--data", str(resolver.folder))
    refused = call_keyhole(*words)
    assert refused.returncode == 1
    assert "is not empty" in refused.stderr
    done = call_keyhole(*words, "--replace", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    said = json.loads(done.stdout)
    assert said["taken_away"]["tokens"] == ["radio"]
    assert said["taken_away"]["revocations"] == 1
    (old,) = said["replaced"]
    assert (Path(old) / "identity" / "root.pem").exists()
    try:
        _answers(world, resolver)
        server = _trusting(resolver)
        assert outcome_of(server, "dot", Caller(certificate=world.later)) == REVOKED
        assert outcome_of(server, "dot", Caller(token=world.later_token)) == "unknown_token"
        assert "revocations since were carried over" in _restored_says(resolver)
        running = call_keyhole(*words, "--replace")
        assert running.returncode == 1
        assert "another keyhole already runs" in running.stderr
    finally:
        resolver.stop()


def test_a_database_that_is_written_to_is_copied_whole(world: World, tmp_path: Path) -> None:
    target = tmp_path / "other"
    assert call_keyhole("restore", str(world.backup), "--data", str(target)).returncode == 0
    with closing(sqlite3.connect(target / "control.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)

"""Section F (F1, F2): the files of the last good snapshot are gone, whatever else is wrong."""

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.world.process import call_keyhole
from tests.world.resolver import Resolver, document
from tests.world.upstream import Upstream

LISTED, BLOCKED, ALLOWED = "ads.example.org", "blocked.example.org", "www.example.org"


def _no_snapshot(state: Path) -> None:
    for name in ("snapshot.json", "snapshot-copy.json"):
        (state / name).unlink()


def _no_lists(state: Path) -> None:
    for file in state.glob("lists-*.khl"):
        file.unlink()


def _both(state: Path) -> None:
    _no_snapshot(state)
    _no_lists(state)


DAMAGES: dict[str, tuple[Callable[[Path], None], str]] = {
    "both snapshots": (_no_snapshot, "and its copy are gone"),
    "the compiled lists": (_no_lists, "the compiled lists"),
    "all of them": (_both, "and its copy are gone"),
}


@pytest.fixture
def used(resolver: Resolver, upstream: Upstream) -> Resolver:
    """A resolver with a rule and a list, which ran, and whose documents are not valid any more."""
    (resolver.documents / "ads.txt").write_text(f"{LISTED}\n")
    rules = [{"block": [BLOCKED]}]
    policy = document("Policy", "home", default="allow", rules=rules, lists=["ads"])
    resolver.write(
        resolver.upstream(upstream.port),
        document("List", "ads", kind="block", files=["ads.txt"]),
        policy,
    )
    resolver.start()
    _assert_serves(resolver)
    resolver.stop()
    (resolver.documents / "typo.yaml").write_text("kind: Polcy\n")
    return resolver


def _assert_serves(resolver: Resolver) -> None:
    assert resolver.server.ask(ALLOWED).rcode == "NOERROR"
    assert resolver.server.ask(LISTED).rcode == "NXDOMAIN"
    assert resolver.server.ask(BLOCKED).rcode == "NXDOMAIN"


def _restart(resolver: Resolver) -> None:
    resolver.start_refusing()
    resolver.wait_for_api()


@pytest.mark.parametrize("gone", DAMAGES)
def test_what_is_gone_of_the_last_good_snapshot_is_made_again_while_a_document_is_invalid(
    used: Resolver, gone: str
) -> None:
    """F1, F2: and `status` says so, before the start and after it."""
    damage, words = DAMAGES[gone]
    damage(used.folder / "state")
    said = call_keyhole("status", "--data", str(used.folder)).stdout
    assert "last good snapshot: missing" in said
    assert words in " ".join(said.split())
    _restart(used)
    _assert_serves(used)
    assert "last good snapshot: mended" in used.command("status").stdout


def test_lists_that_cannot_be_made_again_open_nothing_and_are_named(used: Resolver) -> None:
    """F2: without the list, what it blocks would be open."""
    _no_lists(used.folder / "state")
    (used.documents / "list-ads.yaml").unlink()
    _restart(used)
    assert used.server.ask(LISTED).rcode == "REFUSED"
    said = " ".join(used.command("status").stdout.split())
    assert "last good snapshot: missing the compiled lists are gone, and List ads with them" in said
    assert "every query is refused until the documents are valid" in said
    assert "the last good snapshot serves" not in said


def test_an_engine_that_is_killed_after_its_files_went_away_serves_again(used: Resolver) -> None:
    """F1: control has what it put in force."""
    _restart(used)
    _assert_serves(used)
    _both(used.folder / "state")
    (engine,) = used.program.children("engine")
    os.kill(engine, signal.SIGKILL)
    used.wait_for(lambda: used.program.children("engine") not in ([], [engine]), "another one")

    def serves() -> bool:
        reply = used.try_ask(ALLOWED)
        return reply is not None and reply.rcode == "NOERROR"

    used.wait_for(serves, "it serves again")
    _assert_serves(used)


def test_status_names_what_is_missing_where_the_record_of_it_is_gone_too(used: Resolver) -> None:
    """F2: without `installation.json`, before the next start."""
    for name in ("installation.json", "control.db"):
        (used.folder / name).unlink()
    shutil.rmtree(used.documents)
    shutil.rmtree(used.folder / "identity", ignore_errors=True)
    said = call_keyhole("status", "--data", str(used.folder)).stdout
    for part in ("database: missing", "documents: missing", "identity/root.pem: missing"):
        assert part in said, said
    assert not (used.folder / "installation.json").exists(), "looking changes nothing"

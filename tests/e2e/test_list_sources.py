"""Lists from the internet: fetched, fresh, and never worse than they were."""

import json
import os
import random
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.world.list_server import ListServer
from tests.world.process import call_keyhole
from tests.world.resolver import Resolver, document
from tests.world.upstream import ADDRESS
from tests.world.waiting import PATIENCE, until

KILLS = int(os.environ.get("KEYHOLE_KILLS", "3"))
SETTINGS = {"downloads": {"allow": ["127.0.0.0/8"]}}
_MANY = "".join(f"host{number}.example.com\n" for number in range(2_000))


@pytest.fixture
def server() -> Iterator[ListServer]:
    """A list server on loopback."""
    with ListServer() as one:
        yield one


def _subscribe(resolver: Resolver, url: str, name: str = "ads", **spec: Any) -> Resolver:
    resolver.configure(**SETTINGS)
    resolver.write(
        document("List", name, urls=[url], **spec),
        document("Policy", "home", default="allow", upstreams=["test"], lists=[name]),
    )
    return resolver


def _status(resolver: Resolver, name: str = "ads") -> dict[str, Any]:
    """What the API says of a list, once control knows it: a changed document acts a bit earlier."""
    status: dict[str, Any] = {}

    def is_known() -> bool:
        answer = resolver.api("GET", f"/lists/{name}")
        status.update(answer.json() if answer.is_success else {})
        return answer.is_success

    resolver.wait_for(is_known, f"the list {name} is known")
    return status


def _wait_for_state(resolver: Resolver, state: str, name: str = "ads") -> dict[str, Any]:
    resolver.wait_for(lambda: _status(resolver, name).get("state") == state, f"the list is {state}")
    return _status(resolver, name)


def _refresh(resolver: Resolver) -> tuple[int, str]:
    done = resolver.command("lists", "refresh")
    return done.returncode, done.stdout + done.stderr


def test_a_list_is_fetched_compiled_and_in_force_without_a_restart(
    resolver: Resolver, server: ListServer
) -> None:
    url = server.serve("0.0.0.0 ads.example.com\nnot an entry!\n")
    resolver.configure(**SETTINGS)
    resolver.start()
    engine = resolver.program.children("engine")
    assert resolver.server.ask("ads.example.com").addresses == [ADDRESS]
    _subscribe(resolver, url)
    status = _wait_for_state(resolver, "in force")
    assert resolver.server.ask("ads.example.com").rcode == "NXDOMAIN"
    assert resolver.program.children("engine") == engine
    assert (status["taken"], status["skipped"]) == (1, 1)
    assert status["examples"][0]["text"] == "not an entry!"
    assert status["sources"][0]["error"] is None
    shown = resolver.command("lists", "status", "ads")
    assert shown.returncode == 0
    assert "in force" in shown.stdout
    assert "not an entry!" in shown.stdout


def test_a_changed_list_acts_and_an_unchanged_one_does_not_come_again(
    reset_resolver: Resolver, server: ListServer
) -> None:
    _subscribe(reset_resolver, server.serve("one.example.com\n")).start()
    _wait_for_state(reset_resolver, "in force")
    before = _status(reset_resolver)["sources"][0]
    assert _refresh(reset_resolver)[0] == 0
    after = _status(reset_resolver)["sources"][0]
    assert (after["sha256"], after["fetched"]) == (before["sha256"], before["fetched"])
    assert after["checked"] > before["checked"]
    assert "if-none-match" in server.asked[-1].headers
    server.serve("two.example.com\n")
    assert _refresh(reset_resolver)[0] == 0
    assert reset_resolver.server.ask("two.example.com").rcode == "NXDOMAIN"
    assert reset_resolver.server.ask("one.example.com").addresses == [ADDRESS]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("<html>Payment needed</html>", "a web page"),
        ("", "it is empty"),
        ("host1.example.com\n", "it shrank from 2000 to 1 entries"),
        (None, "HTTP 404"),
    ],
)
def test_the_last_good_list_stays_when_the_new_one_is_absurd(
    reset_resolver: Resolver, server: ListServer, body: str | None, why: str
) -> None:
    # The guard of a list remembers its size, so no other test uses this name.
    _subscribe(reset_resolver, server.serve(_MANY), "many").start()
    _wait_for_state(reset_resolver, "in force", "many")
    if body is None:
        server.answers.clear()
    else:
        server.serve(body)
    code, said = _refresh(reset_resolver)
    assert code == 1
    assert why in said
    assert reset_resolver.server.ask("host1999.example.com").rcode == "NXDOMAIN"


@pytest.mark.parametrize("body", ["<html>Payment needed</html>", None])
def test_refreshing_a_list_that_never_had_a_version_ends_and_says_why(
    reset_resolver: Resolver, server: ListServer, body: str | None
) -> None:
    url = server.serve(body or "")
    if body is None:
        server.answers.clear()
    _subscribe(reset_resolver, url, "never").start()
    code, said = _refresh(reset_resolver)
    assert code == 1
    assert ("HTTP 404" if body is None else "a web page") in said


def test_after_a_restart_nothing_is_downloaded_before_it_is_due(
    resolver: Resolver, server: ListServer
) -> None:
    _subscribe(resolver, server.serve("one.example.com\n")).start()
    _wait_for_state(resolver, "in force")
    resolver.stop()
    resolver.start()
    _wait_for_state(resolver, "in force")
    assert resolver.server.ask("one.example.com").rcode == "NXDOMAIN"
    assert len(server.asked) == 1


def test_without_an_exception_in_the_settings_no_private_address_is_asked(
    resolver: Resolver, server: ListServer
) -> None:
    _subscribe(resolver, server.serve("one.example.com\n"))
    resolver.configure()
    resolver.start()
    resolver.wait_for(
        lambda: _status(resolver)["sources"][0]["state"] == "failed", "the download is refused"
    )
    said = _status(resolver)["sources"][0]["error"]
    assert "127.0.0.1, which is not a public address" in said
    assert "downloads.allow" in said
    assert server.asked == []


def test_keyhole_never_downloads_from_itself(reset_resolver: Resolver) -> None:
    _subscribe(reset_resolver, f"http://127.0.0.1:{reset_resolver.server.doh}/dns-query").start()
    reset_resolver.wait_for(
        lambda: _status(reset_resolver)["sources"][0]["state"] == "failed",
        "the download is refused",
    )
    assert "on which Keyhole itself listens" in _status(reset_resolver)["sources"][0]["error"]


def test_progress_is_shown_while_a_list_comes(reset_resolver: Resolver, server: ListServer) -> None:
    go_on = threading.Event()

    def slow(client: socket.socket) -> None:
        client.sendall(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 34\r\n\r\n")
        client.sendall(b"one.example.com\n")
        go_on.wait(PATIENCE)
        client.sendall(b"second.example.com")

    server.answers["/list.txt"] = slow
    _subscribe(reset_resolver, server.url()).start()
    try:
        reset_resolver.wait_for(
            lambda: _status(reset_resolver)["sources"][0]["octets"] == 16, "the first octets came"
        )
        status = _status(reset_resolver)
        assert status["state"] == "downloading"
        assert status["sources"][0]["total"] == 34
        # Whatever is downloaded, questions are answered.
        assert reset_resolver.server.ask("www.example.org").addresses == [ADDRESS]
    finally:
        go_on.set()
    assert _wait_for_state(reset_resolver, "in force")["taken"] == 2


def test_a_list_of_the_catalog_becomes_a_document(resolver: Resolver) -> None:
    resolver.start()
    shown = call_keyhole("lists", "catalog")
    assert "stevenblack" in shown.stdout
    done = resolver.command("lists", "enable", "stevenblack")
    assert done.returncode == 0, done.stderr
    stored = resolver.api("GET", "/documents/List/stevenblack").json()
    assert "https://raw.githubusercontent.com/StevenBlack/hosts" in stored["text"]
    assert "used by home" in done.stdout, "and the policy for all clients uses it"
    unknown = resolver.command("lists", "enable", "nonsense")
    assert unknown.returncode == 1
    assert "nonsense is not in the catalog" in unknown.stderr
    misspelled = resolver.command("lists", "enable", "stevenblak")
    assert misspelled.returncode == 1
    assert "did you mean stevenblack?" in misspelled.stderr


def test_an_enabled_list_blocks_and_a_disabled_one_does_not(
    reset_resolver: Resolver, server: ListServer
) -> None:
    """E4: the file of the policy stays as it is, and the audit record says who did it."""
    reset_resolver.start()
    policy = reset_resolver.documents / "policy-home.yaml"
    before = policy.read_bytes()
    url = server.serve("0.0.0.0 ads.example.com\n")
    done = reset_resolver.command("lists", "enable", "school", "--url", url, "--why", "for school")
    assert done.returncode == 0, done.stderr
    assert "used by home" in done.stdout
    assert _wait_for_state(reset_resolver, "in force", "school")["policies"] == ["home"]
    assert reset_resolver.server.ask("ads.example.com").rcode == "NXDOMAIN"
    assert policy.read_bytes() == before
    assert "for school" in reset_resolver.command("audit").stdout
    ended = reset_resolver.command("lists", "disable", "school")
    assert ended.returncode == 0, ended.stderr
    assert reset_resolver.server.ask("ads.example.com").addresses == [ADDRESS]
    back = reset_resolver.command("rollback", "list", "school")
    assert back.returncode == 0, back.stderr
    assert reset_resolver.command("delete", "list", "school").returncode == 0


def test_a_list_that_no_client_would_have_is_a_failure(
    reset_resolver: Resolver, server: ListServer
) -> None:
    """E4: what ends with "unused" has failed; what cannot act says which line does."""
    reset_resolver.write(document("Policy", "spare", subjects=[], default="allow"))
    reset_resolver.settle()
    url = server.serve("0.0.0.0 ads.example.com\n")
    done = reset_resolver.command("lists", "enable", "school", "--url", url, "--policy", "spare")
    assert done.returncode == 1
    assert "no client has a policy that uses it" in done.stderr
    assert reset_resolver.command("lists", "disable", "school").returncode == 0
    reset_resolver.write(document("List", "mine", urls=[url]))
    reset_resolver.settle()
    refused = reset_resolver.command("lists", "enable", "mine")
    assert refused.returncode == 1
    assert f"{reset_resolver.documents}/list-mine.yaml:1" in refused.stderr.replace("\n", "")
    assert "policies: [home]" in refused.stderr


@pytest.mark.timeout(300 + 15 * KILLS)
def test_killed_in_the_midst_of_updates_each_list_is_whole(
    resolver: Resolver, server: ListServer
) -> None:
    """Version N holds the names N-0 to N-1999: an answer from two versions would show."""
    chance = random.Random(5)

    def names(version: int) -> str:
        return "".join(f"v{version}-{number}.example.com\n" for number in range(2_000))

    current = [0]
    _subscribe(resolver, server.serve(names(0)), guard=False)
    for _ in range(KILLS):
        resolver.start()
        resolver.wait_for_api()
        updating = threading.Thread(target=_keep_updating, args=(resolver, server, current, names))
        updating.start()
        threading.Event().wait(chance.uniform(0.0, 0.8))
        resolver.kill()
        updating.join()
    resolver.start()

    def is_blocked(version: int) -> bool:
        return resolver.server.ask(f"v{version}-0.example.com").rcode == "NXDOMAIN"

    def look() -> list[int] | None:
        """The versions that block, if the list stayed the same meanwhile: one that was under way
        may come after the start."""
        before = _wait_for_state(resolver, "in force")["sources"][0]["sha256"]
        found = [version for version in range(current[0] + 1) if is_blocked(version)]
        after = _status(resolver)
        return (
            found
            if (after["state"], after["sources"][0]["sha256"]) == ("in force", before)
            else None
        )

    blocked = until(look, "the list stands still")
    assert len(blocked) == 1
    for number in (1, 999, 1_998, 1_999):
        reply = resolver.server.ask(f"v{blocked[0]}-{number}.example.com")
        assert reply.rcode == "NXDOMAIN"
    downloads = resolver.folder / "state" / "downloads"
    resolver.wait_for(
        lambda: {path.suffix for path in downloads.iterdir()} == {".txt", ".json"},
        "nothing else is left",
    )


def _keep_updating(resolver: Resolver, server: ListServer, current: list[int], names: Any) -> None:
    import httpx2

    while True:
        current[0] += 1
        server.serve(names(current[0]))
        try:
            resolver.api("POST", "/lists/refresh", json={})
        except (httpx2.TransportError, AssertionError):
            return


def test_the_status_is_json_for_programs(reset_resolver: Resolver, server: ListServer) -> None:
    _subscribe(reset_resolver, server.serve("one.example.com\n")).start()
    _wait_for_state(reset_resolver, "in force")
    done = reset_resolver.command("lists", "status", "--json")
    (one,) = json.loads(done.stdout)
    assert (one["name"], one["taken"]) == ("ads", 1)


def test_a_list_that_is_ready_leaves_the_others_in_peace(
    resolver: Resolver, server: ListServer
) -> None:
    """One comes at once, one later; whatever is looked at and tidied up meanwhile."""
    go_on = threading.Event()

    def slow(client: socket.socket) -> None:
        client.sendall(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 16\r\n\r\n")
        client.sendall(b"slow.ex")
        go_on.wait(PATIENCE)
        client.sendall(b"ample.com")

    with ListServer("127.0.0.2") as other:
        other.answers["/slow.txt"] = slow
        resolver.configure(**SETTINGS)
        resolver.write(
            document("List", "ads", urls=[server.serve("quick.example.com\n")]),
            document("List", "slow", urls=[other.url("/slow.txt")]),
            document("Policy", "home", default="allow", upstreams=["test"], lists=["ads", "slow"]),
        )
        resolver.start()
        try:
            resolver.wait_for(
                lambda: resolver.server.ask("quick.example.com").rcode == "NXDOMAIN",
                "the quick one is in force",
            )
        finally:
            go_on.set()
        resolver.wait_for(
            lambda: resolver.server.ask("slow.example.com").rcode == "NXDOMAIN",
            "the slow one is in force",
        )
        status = resolver.api("GET", "/lists/slow").json()
        assert [one["error"] for one in status["sources"]] == [None]

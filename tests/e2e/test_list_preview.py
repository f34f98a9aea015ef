"""What a list would do is shown before anybody subscribes to it, and changes nothing."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.world.certificates import Authority
from tests.world.list_server import ListServer
from tests.world.resolver import Resolver, document
from tests.world.upstream import ADDRESS, Upstream

_TEXT = """\
# a list of many forms
0.0.0.0 ads.example.com
||tracker.example.net^
@@||login.tracker.example.net^
||pixel.example.org^$important
0.0.0.0 ads.example.com
not an entry!
/banner[0-9]+/$script
"""


@pytest.fixture
def server() -> Iterator[ListServer]:
    """A list server on loopback."""
    with ListServer() as one:
        yield one


@pytest.fixture(scope="module")
def running(
    tmp_path_factory: pytest.TempPathFactory, authority: Authority, shared_upstream: Upstream
) -> Iterator[Resolver]:
    """A resolver that may download from this machine."""
    resolver = Resolver(tmp_path_factory.mktemp("preview") / "data", authority)
    resolver.configure(downloads={"allow": ["127.0.0.0/8"]})
    resolver.write(
        resolver.upstream(shared_upstream.port),
        document("Policy", "home", default="allow", upstreams=["test"]),
    )
    yield resolver.start()
    resolver.stop()


def _preview(resolver: Resolver, **wanted: Any) -> dict[str, Any]:
    answer = resolver.api("POST", "/lists/preview", json=wanted)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def _refusal(resolver: Resolver, **wanted: Any) -> tuple[int, str]:
    answer = resolver.api("POST", "/lists/preview", json=wanted)
    return answer.status_code, answer.json()["detail"]


def test_a_preview_counts_shows_entries_and_says_what_is_left_out(
    running: Resolver, server: ListServer
) -> None:
    found = _preview(running, url=server.serve(_TEXT))
    assert (found["lines"], found["octets"]) == (8, len(_TEXT))
    assert (found["taken"], found["duplicates"]) == (4, 1)
    assert found["skipped"] == sum(found["skipped_by_reason"].values()) == 2
    assert [one["line"] for one in found["examples"]] == [7, 8]
    assert found["examples"][0]["text"] == "not an entry!"
    shown = {(one["line"], one["action"], one["important"]) for one in found["samples"]}
    assert {(2, "block", False), (3, "block", False), (5, "block", True)} <= shown
    assert (4, "allow", False) in shown
    assert running.api("GET", "/lists").json()["items"] == []
    assert running.server.ask("ads.example.com").addresses == [ADDRESS], "nothing is blocked"


def test_a_preview_names_what_clients_asked_for_and_would_not_get_any_more(
    running: Resolver,
) -> None:
    assert running.server.ask("cdn.shop.example.org").addresses == [ADDRESS]

    def asked() -> dict[str, Any]:
        found = _preview(running, entries="||shop.example.org^\n||other.example.org^\n")
        return next((one for one in found["asked"]), {})

    running.wait_for(asked, "the history knows the query")
    found = asked()
    assert (found["name"], found["action"]) == ("cdn.shop.example.org", "block")
    assert found["queries"] >= 1


def test_a_preview_has_the_limits_of_downloads(running: Resolver, server: ListServer) -> None:
    code, why = _refusal(running, url=server.serve("<html>Sign in</html>"))
    assert (code, why) == (400, "it is a web page, not a list")
    code, why = _refusal(running, url=server.url("/nowhere.txt"))
    assert (code, why) == (400, "the server answered with HTTP 404")
    code, why = _refusal(running, url="http://192.0.2.1/ads.txt")
    assert code == 400
    assert "which is not a public address" in why
    assert _refusal(running, url="file:///etc/passwd")[0] == 422
    assert _refusal(running, url=server.url(), entries="a.example.org") == (
        422,
        "give url or entries, and not both",
    )
    assert _refusal(running)[0] == 422


def test_entries_in_a_document_block_and_are_found_by_their_document(running: Resolver) -> None:
    own = document("List", "own", entries="||own.example.net^\nnot an entry!\n")
    running.write(own, document("Policy", "home", default="allow", lists=["own"]))
    running.settle()
    assert running.server.ask("own.example.net").rcode == "NXDOMAIN"
    state = running.api("GET", "/lists/own").json()
    assert (state["state"], state["has_entries"], state["policies"]) == ("in force", True, ["home"])
    (left,) = state["examples"]
    assert (left["file"], left["line"], left["text"]) == ("List/own", 2, "not an entry!")
    (hit,) = running.api("GET", "/lists/search?name=a.own.example.net").json()["items"]
    assert (hit["list"], hit["file"], hit["line"]) == ("own", "List/own", 1)

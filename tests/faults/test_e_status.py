"""Section E (E4, E14): `keyhole status` says on one screen what works and what does not."""

import json
from collections.abc import Callable
from typing import Any

from tests.world.list_server import ListServer
from tests.world.process import call_keyhole
from tests.world.resolver import Resolver, document
from tests.world.upstream import ADDRESS


def _status(resolver: Resolver) -> dict[str, Any]:
    found: dict[str, Any] = resolver.api("GET", "/status").json()
    return found


def test_status_ends_with_0_while_all_works_and_with_1_once_it_does_not_run(
    resolver: Resolver,
) -> None:
    resolver.write(document("Policy", "home", default="deny", rules=[{"allow": ["*.org"]}]))
    resolver.start()
    assert resolver.server.ask("www.example.org").addresses == [ADDRESS]
    resolver.wait_for(lambda: not _status(resolver)["wrong"], "all works")
    shown = resolver.command("status")
    assert shown.returncode == 0
    assert "all works" in shown.stdout
    assert "blocking: on" in shown.stdout
    assert "upstreams: 1 of 1 work" in shown.stdout
    assert resolver.api("POST", "/pauses", json={"seconds": 300}).is_success
    paused = _status(resolver)
    assert (paused["blocking"]["state"], paused["wrong"]) == ("paused", []), "a pause is no fault"
    resolver.stop()
    gone = call_keyhole("status", "--data", str(resolver.folder), "--json")
    assert gone.returncode == 1
    found = json.loads(gone.stdout)
    assert (found["is_running"], found["engine_serves"], found["parts"]) == (False, False, [])
    assert "no Keyhole runs" in found["wrong"][0]


def test_without_upstreams_and_list_it_serves_at_once_and_says_what_is_missing(
    make_resolver: Callable[[], Resolver],
) -> None:
    """A first start without the internet: what it has is served, and nothing is claimed."""
    with ListServer() as server:
        resolver = make_resolver()
        resolver.configure(downloads={"allow": ["127.0.0.0/8"]})
        url = server.url("/later.txt")  # nothing is there yet
        resolver.write(document("List", "ads", urls=[url], policies=["home"]))
        resolver.start()  # answers a local record

        def is_missing() -> bool:
            return {"no upstream works", "list ads has no entries"} <= {*_status(resolver)["wrong"]}

        resolver.wait_for(is_missing, "status says what is missing")
        shown = resolver.command("status")
        assert shown.returncode == 1
        assert "wrong: no upstream works\nwrong: list ads has no entries\n" in shown.stdout
        assert "blocking: nothing yet" in shown.stdout
        assert "ads: no entries yet, failing since" in shown.stdout
        server.serve("0.0.0.0 ads.example.com\n", "/later.txt")
        assert resolver.api("POST", "/lists/refresh", json={}).is_success
        resolver.wait_for(lambda: _status(resolver)["blocking"]["state"] == "on", "it blocks")
        assert resolver.server.ask("ads.example.com").rcode == "NXDOMAIN"
        found = _status(resolver)
        assert [one["taken"] for one in found["lists_in_use"]] == [1]
        assert found["wrong"] == ["no upstream works"]

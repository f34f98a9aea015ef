"""The first hour of somebody new: a list by URL, a blocked name, why, and allowing it."""

import json
from typing import Any

from tests.world.list_server import ListServer
from tests.world.resolver import Resolver, document
from tests.world.upstream import ADDRESS

_NAME = "cdn.shop.example.com"
_LIST = f"# advertising\n0.0.0.0 ads.example.com\n0.0.0.0 {_NAME}\n"


def _documents(url: str) -> tuple[str, str]:
    subscription = document("List", "ads", urls=[url])
    policy = document(
        "Policy", "mine", subjects=["cidr:127.0.0.1/32"], default="allow", lists=["ads"]
    )
    return json.dumps(subscription), json.dumps(policy)


def _allowing(policy: str) -> str:
    allowed: dict[str, Any] = json.loads(policy)
    allowed["spec"]["rules"] = [{"allow": [_NAME]}]
    return json.dumps(allowed)


def test_by_command(resolver: Resolver) -> None:
    with ListServer() as server:
        resolver.configure(downloads={"allow": ["127.0.0.0/8"]})
        resolver.start()
        engine = resolver.program.children("engine")
        assert resolver.server.ask(_NAME).addresses == [ADDRESS]

        subscription, policy = _documents(server.serve(_LIST))
        added = resolver.command("apply", "-f", "-", given=f"{subscription}\n---\n{policy}")
        assert added.returncode == 0, added.stderr
        fresh = resolver.command("lists", "refresh", "ads")
        assert fresh.returncode == 0, fresh.stderr
        assert "in force" in fresh.stdout
        assert resolver.server.ask(_NAME).rcode == "NXDOMAIN"

        resolver.wait_for(
            lambda: (
                _NAME in resolver.command("log", "--outcome", "blocked", "--since", "1h").stdout
            ),
            "the blocked query is in the log",
        )
        shown = resolver.command("log", "--outcome", "blocked", "--since", "1h", "--why").stdout
        assert "by ads" in shown
        assert ".txt:3" in shown, "file and line of the list"

        allowed = resolver.command("apply", "-f", "-", "-m", "the shop", given=_allowing(policy))
        assert allowed.returncode == 0, allowed.stderr
        assert resolver.server.ask(_NAME).addresses == [ADDRESS]
        assert resolver.server.ask("ads.example.com").rcode == "NXDOMAIN"
        assert resolver.program.children("engine") == engine, "no restart"


def test_by_api(resolver: Resolver) -> None:
    with ListServer() as server:
        resolver.configure(downloads={"allow": ["127.0.0.0/8"]})
        resolver.start()
        engine = resolver.program.children("engine")
        subscription, policy = _documents(server.serve(_LIST))
        added = resolver.api(
            "POST", "/documents", json={"text": f"{subscription}\n---\n{policy}"}
        ).json()
        assert added["is_in_force"]
        states = set()

        def in_force() -> bool:
            state = resolver.api("GET", "/lists/ads").json()["state"]
            states.add(state)
            return bool(state == "in force")

        resolver.wait_for(in_force, "the list is in force")
        assert states <= {"waiting", "downloading", "compiling", "in force"}
        assert resolver.server.ask(_NAME).rcode == "NXDOMAIN"

        def logged() -> list[dict[str, Any]]:
            items: list[dict[str, Any]] = resolver.api(
                "GET", "/queries", params={"outcome": "blocked", "name": _NAME}
            ).json()["items"]
            return items

        resolver.wait_for(logged, "the blocked query is in the log")
        assert logged()[0]["list"] == "ads"
        hits = resolver.api("GET", "/lists/search", params={"name": _NAME}).json()["items"]
        assert [(hit["list"], hit["line"]) for hit in hits] == [("ads", 3)]

        tag = resolver.api("GET", "/documents/Policy/mine").headers["etag"]
        done = resolver.api(
            "PUT",
            "/documents/Policy/mine",
            json={"text": _allowing(policy), "message": "the shop"},
            headers={"if-match": tag},
        )
        assert done.json()["is_in_force"]
        assert resolver.server.ask(_NAME).addresses == [ADDRESS]
        assert resolver.program.children("engine") == engine, "no restart"

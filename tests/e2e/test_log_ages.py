"""What is old makes room, is still counted, and names nobody any more, as the settings say."""

import json
import time
from typing import Any

from tests.world.history import line
from tests.world.resolver import Resolver

DAY = 86_400
ADDRESS = "198.51.100.77"
AGES = {"ancient": 100, "old": 10, "new": 1}
"""Days ago: longer than rows are kept, longer than clients are named, and neither."""


def _prepare(resolver: Resolver) -> None:
    """A query log that an engine wrote over months, taken in when control starts."""
    now = int(time.time())
    lines = [
        line((now - days * DAY) * 1_000_000 + number, name=f"{word}.example.org", client=ADDRESS)
        for word, days in AGES.items()
        for number in range(3)
    ]
    folder = resolver.folder / "log"
    folder.mkdir()
    (folder / "queries.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))


def _rows(resolver: Resolver, word: str) -> list[dict[str, Any]]:
    answer = resolver.api("GET", "/queries", params={"name": f"{word}.example.org"})
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def _top(resolver: Resolver, since: str, title: str) -> dict[str, int]:
    done = resolver.command("stats", "--since", since, "--json", "--top", "100")
    assert done.returncode == 0, done.stderr
    return {one["value"]: one["total"] for one in json.loads(done.stdout)["top"][title]}


def test_old_queries_go_their_counts_remain_and_nobody_is_named(resolver: Resolver) -> None:
    _prepare(resolver)
    resolver.configure(log={"retention": "30d", "statistics": "365d", "anonymize_after": "7d"})
    resolver.start()
    resolver.wait_for(
        lambda: [row["client"] for row in _rows(resolver, "old")] == [None] * 3,
        "nobody is named in what is old",
    )
    assert _rows(resolver, "ancient") == []
    assert [row["client"] for row in _rows(resolver, "new")] == [ADDRESS] * 3
    counted = _top(resolver, "180d", "names")
    assert {f"{word}.example.org": counted.get(f"{word}.example.org") for word in AGES} == {
        "ancient.example.org": 3,
        "old.example.org": 3,
        "new.example.org": 3,
    }
    assert _top(resolver, "180d", "clients")[ADDRESS] == 3, "only the new ones"
    shown = resolver.command("stats", "--since", "180d")
    assert "ancient.example.org" in shown.stdout

"""What `/status` says of blocking and lists is what a client meets."""

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from keyhole.api.status_summary import blocking, lists_in_use, whats_wrong, with_entries
from keyhole.config import read_text_documents
from keyhole.control.compile import Compiled
from keyhole.control.list_refresh.status import ListStatus, UrlStatus
from keyhole.model.overrides import Overrides, Pause
from keyhole.model.snapshot import ListFile, Snapshot
from keyhole.policy import compile_documents
from keyhole.policy.overrides import lay_over

_HEAD = "---\napiVersion: keyhole.dev/v1\nkind: {}\nmetadata: {{name: {}}}\nspec: {}\n"
_UPSTREAM = _HEAD.format(
    "Upstream", "one", "{protocol: dot, addresses: [192.0.2.1], serverName: a}"
)
_LIST = _HEAD.format("List", "ads", "{urls: ['https://a.example/'], policies: [home]}")
_FILE = ListFile(path="/nowhere/lists.khl", sha256="0" * 64)


def compiled(policy: str, *more: str) -> Snapshot:
    text = "".join((_HEAD.format("Policy", "home", policy), _UPSTREAM, *more))
    documents, problems = read_text_documents(text, "a.yaml", Path("/nowhere"))
    assert problems == []
    return compile_documents(documents, 1, _FILE if more else None).snapshot


@pytest.mark.parametrize(
    ("policy", "more", "entries", "state"),
    [
        ("{default: allow}", (), (), "off"),
        ("{default: deny}", (), (), "on"),
        ("{default: allow, rules: [{block: [a.example]}]}", (), (), "on"),
        ("{default: allow, rules: [{block: [a.example], mode: observe}]}", (), (), "off"),
        ("{default: allow, mode: observe, rules: [{block: [a.example]}]}", (), (), "off"),
        ("{default: allow}", (_LIST,), (), "waiting"),
        ("{default: allow}", (_LIST,), ("ads",), "on"),
        ("{default: allow, lists: {names: [ads], mode: observe}}", (_LIST,), ("ads",), "off"),
    ],
)
def test_blocking_is_on_only_where_a_name_can_be_blocked(
    policy: str, more: tuple[str, ...], entries: tuple[str, ...], state: str
) -> None:
    assert blocking(compiled(policy, *more), entries).state == state


def test_a_list_of_the_last_good_snapshot_blocks_without_a_new_compilation() -> None:

    snapshot = compiled("{default: allow}", _LIST)
    found = with_entries([], Compiled(snapshot, snapshot, {}, (), ""))
    assert blocking(snapshot, found).state == "on"
    assert with_entries([], None) == set()


def test_without_documents_every_query_is_refused() -> None:
    assert blocking(None, ()).state == "refusing"


def test_a_pause_says_when_it_ends_and_a_past_one_says_nothing() -> None:
    now = int(time.time())
    for until, state in ((now + 600, "paused"), (now - 1, "on")):
        pause = Pause(policy=None, since=until - 900, until=until)
        paused = lay_over(compiled("{default: deny}"), Overrides(pauses=(pause,)))
        found = blocking(paused, ())
        assert found.state == state
        assert (found.until is not None) == (state == "paused")


def _status(**changes: Any) -> ListStatus:
    url = UrlStatus("https://a.example/", "fresh", 9, checked_at=5.0, sha256="ab")
    fields: dict[str, Any] = {"policies": ("home",), "taken": 3, "urls": (url,), **changes}
    return ListStatus("ads", "block", fields.pop("state", "in force"), **fields)


def test_only_lists_that_a_policy_uses_are_shown_with_the_time_of_their_last_check() -> None:
    assert lists_in_use([_status(policies=())]) == []
    (one,) = lists_in_use([_status()])
    assert (one.taken, one.checked and one.checked.timestamp(), one.why) == (3, 5.0, "")


def test_a_list_that_could_not_be_downloaded_says_why_and_since_when() -> None:
    failed = UrlStatus("https://a.example/", "failed", 0, error="HTTP 404", failing_since=7.0)
    stale = "https://a.example/ is not downloaded yet"
    (one,) = lists_in_use([_status(urls=(failed,), taken=0, state="held back", why=stale)])
    assert one.why == "https://a.example/: HTTP 404"
    assert one.failing_since is not None
    assert one.failing_since.timestamp() == 7.0


def _wrong(*lists: ListStatus, snapshot: Snapshot | None) -> list[str]:
    """What is wrong with a Keyhole of which all else works."""
    others: dict[str, Any] = {
        key: [] for key in ("parts", "upstreams", "undelivered", "dnstap", "events")
    }
    entries = {one.name for one in lists if one.taken}
    status = SimpleNamespace(
        uptime=9,
        blocking=blocking(snapshot, entries),
        lists_in_use=lists_in_use(lists),
        traces=None,
        **others,
    )
    return list(whats_wrong(cast(Any, status)))


_LOST = "3 of 3 entries are left out, 3 of them for this: no name"


@pytest.mark.parametrize(
    ("more", "wrong", "why"),
    [
        ({}, [], ""),
        ({"taken": 0}, ["list ads has no entries"], "what it is made of has no entries"),
        ({"taken": 0, "lost": _LOST}, ["list ads has no entries"], _LOST),
        ({"lost": _LOST}, [], ""),
        ({"taken": 0, "state": "waiting", "why": "not yet"}, [], "not yet"),
        ({"taken": None, "state": "downloading"}, [], ""),
        ({"state": "held back", "why": "a"}, ["list ads stays at its last good version"], "a"),
        ({"taken": 0, "policies": ()}, [], None),
    ],
)
def test_a_list_in_force_without_entries_is_wrong_though_its_server_answers(
    more: dict[str, Any], wrong: list[str], why: str | None
) -> None:
    one = _status(**more)
    assert _wrong(one, snapshot=compiled("{default: deny}")) == wrong
    assert [each.why for each in lists_in_use([one])] == ([] if why is None else [why])


def test_that_no_documents_are_in_force_is_wrong() -> None:
    assert _wrong(snapshot=None) == ["no documents are in force"]

"""A list, then what changes; and again where the server does not know the version any more."""

import asyncio
from typing import Any

import pytest

from keyhole.mesh.documents.api import ForbiddenError, GoneError, TooLargeError
from keyhole.mesh.documents.watch import Watch, Watched
from keyhole.mesh.error import MeshError
from keyhole.mesh.objects import Tree
from tests.world.cluster_documents import ScriptedApi, page, tree_of


def _one(name: str, version: int = 1) -> Tree:
    return tree_of("Policy", "shop", name, {"subjects": []}, version)


def _event(what: str, tree: Tree) -> Tree:
    return {"type": what, "object": tree}


def _bookmark(version: str) -> Tree:
    return _event("BOOKMARK", {"metadata": {"resourceVersion": version}})


_EXPIRED = _event("ERROR", {"code": 410, "message": "too old resource version"})


def _watch(lists: list[Any], watches: list[Any]) -> tuple[list[str], Watched, list[str]]:
    """What was asked for, what is known at the end, and what was wrong on the way."""

    async def life() -> tuple[list[str], Watched, list[str]]:
        api = ScriptedApi(lists, watches)
        wrong: list[str] = []
        watched = Watched(lambda: wrong.extend(watched.failures.values()))
        watch = Watch(api, "Policy", "shop", watched)  # type: ignore[arg-type]
        assert not watched.is_complete
        running = asyncio.create_task(watch.run(0))
        ends = [running, asyncio.create_task(api.is_idle.wait())]
        done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        running.cancel()
        if running in done:
            await running
        return api.asked, watched, wrong

    return asyncio.run(life())


def _known(watched: Watched) -> dict[str, int]:
    return {key.name: one.generation for key, one in watched.objects.items()}


def test_all_pages_are_read_and_changes_follow_from_their_version() -> None:
    asked, watched, _ = _watch(
        [page("", _one("a"), following="more"), page("7", _one("b"))],
        [[_event("MODIFIED", _one("a", 8)), _event("ADDED", _one("c", 9)), _bookmark("12")], []],
    )
    assert asked == ["list", "list more", "watch 7", "watch 12", "watch 12"]
    assert _known(watched) == {"a": 8, "b": 1, "c": 9}
    assert watched.is_complete


def test_what_is_deleted_is_forgotten() -> None:
    _, watched, _ = _watch([page("7", _one("a"), _one("b"))], [[_event("DELETED", _one("a", 8))]])
    assert _known(watched) == {"b": 1}


@pytest.mark.parametrize("gone", [_EXPIRED, GoneError("status 410")], ids=["event", "status"])
def test_a_version_that_the_server_does_not_know_any_more_leads_to_a_new_list(gone: Any) -> None:
    asked, watched, wrong = _watch(
        [page("7", _one("a"), _one("b")), page("90", _one("b", 80))], [[gone]]
    )
    assert asked == ["list", "watch 7", "list", "watch 90"]
    assert _known(watched) == {"b": 80}, "what vanished meanwhile is gone"
    assert wrong == [], "it is no failure"


@pytest.mark.parametrize(
    ("lists", "watches"),
    [
        ([MeshError("it cannot be reached"), page("7", _one("a"))], []),
        ([page("3", _one("b")), page("7", _one("a"))], [[MeshError("it cannot be reached")]]),
        ([ValueError("it cannot be reached"), page("7", _one("a"))], []),
    ],
    ids=["list", "watch", "fault"],
)
def test_a_failure_is_told_keeps_what_is_known_and_ends_with_the_next_list(
    lists: list[Any], watches: list[Any]
) -> None:
    _, watched, wrong = _watch(lists, watches)
    assert [one[-20:] for one in wrong] == ["it cannot be reached"]
    assert watched.failures == {}
    assert _known(watched) == {"a": 1}


def test_another_namespace_and_kind_keep_their_objects() -> None:
    watched = Watched(lambda: None)

    async def life() -> None:
        for place in ("shop", "bank"):
            tree = tree_of("Policy", place, "a", {})
            api = ScriptedApi([page("1", tree)], [])
            running = asyncio.create_task(
                Watch(api, "Policy", place, watched).run(0)  # type: ignore[arg-type]
            )
            await api.is_idle.wait()
            running.cancel()

    asyncio.run(life())
    assert {key.namespace for key in watched.objects} == {"shop", "bank"}


def test_a_page_that_is_too_large_is_asked_for_in_halves() -> None:
    large = TooLargeError("more than 64 MiB")
    asked, watched, wrong = _watch(
        [large, large, page("", _one("a"), following="more"), large, page("7", _one("b"))], []
    )
    assert asked == ["list", "list", "list", "list more", "list more", "watch 7"]
    assert _known(watched) == {"a": 1, "b": 1}
    assert wrong == []


@pytest.mark.parametrize(
    ("place", "is_complete"), [("shop", True), ("keyhole", False), ("", False)]
)
def test_a_namespace_that_may_not_be_listed_keeps_no_other_one_waiting(
    place: str, is_complete: bool
) -> None:
    watched = Watched(lambda: None, "keyhole")

    async def life() -> None:
        api = ScriptedApi([ForbiddenError("status 403"), page("1")], [])
        watch = Watch(api, "Policy", place, watched)  # type: ignore[arg-type]
        watched.on_change = lambda: found.append(watched.is_complete)
        running = asyncio.create_task(watch.run(0))
        await api.is_idle.wait()
        running.cancel()

    found: list[bool] = []
    asyncio.run(life())
    assert found == [is_complete, True], "and again when it may be"
    assert not watched.waiting

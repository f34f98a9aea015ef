"""Section A (A10): documents that lead to each other cost no more than they are many."""

import json
from pathlib import Path
from typing import Any

import pytest

from keyhole.errors import DocumentErrors
from keyhole.policy import load_documents
from keyhole.policy.checks import records as checking
from tests.world.resolver import document

_MANY = 3_000
_UPSTREAM = document(
    "Upstream", "up", protocol="dot", addresses=["192.0.2.1"], serverName="dns.example.org"
)


def _problems(folder: Path, *documents: dict[str, Any]) -> list[str]:
    (folder / "all.yaml").write_text("\n---\n".join(map(json.dumps, [_UPSTREAM, *documents])))
    try:
        load_documents([folder])
    except DocumentErrors as error:
        return [str(one) for one in error.problems if not one.is_advice]
    return []


class _Counted(dict[str, str]):
    """Counts how often it is asked."""

    asked = 0

    def __getitem__(self, key: str) -> str:
        _Counted.asked += 1
        return super().__getitem__(key)


@pytest.mark.parametrize("is_circle", [False, True])
def test_each_alias_of_a_chain_is_followed_once(is_circle: bool) -> None:
    """A10: counted, not timed."""
    _Counted.asked = 0
    aliases = _Counted({f"n{one}": f"n{one + 1}" for one in range(_MANY)})
    if is_circle:
        aliases[f"n{_MANY}"] = "n0"
    found = checking._circles_of(aliases)
    assert len(found) == (len(aliases) if is_circle else 0)
    assert _Counted.asked <= len(aliases)


def test_a_circle_of_aliases_is_told_short_at_each_of_its_records(tmp_path: Path) -> None:
    """A10: a message of a megabyte for each record helps nobody."""
    names = [f"n{one}.example.org" for one in range(200)]
    records = [
        document("Record", f"r{at}", name=name, cname=names[(at + 1) % len(names)])
        for at, name in enumerate(names)
    ]
    found = _problems(tmp_path, document("Policy", "home", upstreams=["up"]), *records)
    circles = [one for one in found if "go in a circle" in one]
    assert len(circles) == len(names)
    assert all(len(one) < 1_000 and "(200 names)" in one for one in circles)


def test_policies_that_include_each_other_in_a_chain_have_a_limit(tmp_path: Path) -> None:
    """A10: each policy of a chain has the rules of all behind it."""
    chain = [
        document(
            "Policy",
            f"p{at}",
            upstreams=["up"],
            subjects=[f"cidr:10.{at // 250}.{at % 250}.1/32"],
            rules=[{"block": [f"b{at}.example.org"]}],
            **({"include": [f"p{at + 1}"]} if at + 1 < 600 else {}),
        )
        for at in range(600)
    ]
    (found,) = _problems(tmp_path, *chain)
    assert "policies have more than 250,000 rules in all" in found
    assert "put the names into a List" in found
    chain = [{**one, "spec": {**one["spec"], "include": []}} for one in chain]
    assert _problems(tmp_path, *chain) == []


def test_circles_of_inclusions_are_told_up_to_a_limit(tmp_path: Path) -> None:
    """A10, and still the shortest way round where it is short."""
    names = [f"p{at}" for at in range(300)]
    policies = [
        document("Policy", name, subjects=[], include=[names[(at + 1) % 300]])
        for at, name in enumerate(names)
    ]
    pair = [
        document("Policy", "a", subjects=[], include=["b"]),
        document("Policy", "b", subjects=[], include=["a"]),
        document("Policy", "self", subjects=[], include=["self"]),
    ]
    home = document("Policy", "home", upstreams=["up"])
    found = [one for one in _problems(tmp_path, *pair, *policies, home) if "each other" in one]
    assert len(found) == 100
    assert any("each other: a -> b -> a" in one for one in found)
    assert any("each other: self -> self" in one for one in found)

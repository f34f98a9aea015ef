"""What the documents of one delegated namespace may need, so that it leaves room for all others."""

from collections.abc import Iterable, Mapping
from typing import Any

from keyhole.mesh.documents.resource import Key, Resource

MAX_LEVELS = 16
"""Levels of a spec; the deepest that means anything has 6."""
MAX_VALUES = 100_000
"""Keys and values of a spec; more than twice as many are no YAML that is read."""
MAX_OBJECTS = 1_000
MAX_OCTETS = 8 << 20
"""Of all documents of a namespace, in UTF-8."""
MAX_RULES = 10_000
"""Rules and parts of the policies of a namespace, with what they include of that namespace."""


def too_large(spec: Any) -> str:
    """Why a spec is deeper or larger than any document needs to be; empty if it is not."""
    level, count = [spec], 0
    for _ in range(MAX_LEVELS + 1):
        # Without recursion: a server takes ten thousand levels.
        level = [inner for one in level for inner in _inside(one)]
        count += len(level)
        if count > MAX_VALUES:
            return f"more than {MAX_VALUES:,} values; put names into the entries of a NameList"
        if not level:
            return ""
    return f"nested deeper than {MAX_LEVELS} levels; no document needs that"


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def over_budget(texts: Mapping[Key, str], objects: Iterable[Resource]) -> str:
    """Why the documents of one namespace are too much; empty if they are not."""
    if len(texts) > MAX_OBJECTS:
        return f"more than {MAX_OBJECTS:,} objects in the namespace; take some out"
    if sum(len(one.encode("utf-8", "surrogatepass")) for one in texts.values()) > MAX_OCTETS:
        return f"the objects of the namespace have more than {MAX_OCTETS >> 20} MiB in all"
    if rules_of(objects) > MAX_RULES:
        return (
            f"with what they include, the policies of the namespace have more than {MAX_RULES:,} "
            "rules in all; include less, or put the names into a NameList"
        )
    return ""


def rules_of(objects: Iterable[Resource], only: frozenset[Key] | None = None) -> int:
    """Rules and parts of the policies of one namespace, with what they include of it; or of some
    of these policies. Ends soon after `MAX_RULES`."""
    policies = {one.key.name: one for one in objects if one.key.kind == "Policy"}
    count = 0
    for name, one in policies.items():
        if (only is not None and one.key not in only) or not _texts(one.spec, "subjects"):
            continue
        seen, waiting = {name}, [name]
        while waiting and count <= MAX_RULES:
            spec = policies[waiting.pop()].spec
            rules = spec.get("rules") if isinstance(spec, dict) else None
            count += 1 + (len(rules) if isinstance(rules, list) else 0)
            more = {part for part in _texts(spec, "include") if part in policies} - seen
            seen |= more
            waiting += more
    return count


def _texts(spec: Any, key: str) -> list[str]:
    found = spec.get(key) if isinstance(spec, dict) else None
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []

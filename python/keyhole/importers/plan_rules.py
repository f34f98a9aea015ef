"""Plans rules: adjacent rules with the same effect become one rule with many names."""

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from keyhole.importers.document import CommentedValue
from keyhole.importers.product_settings import NameRule, Schedule

_MAX_PER_RULE = 500
_MAX_PER_POLICY = 3000
"""Names in one policy, so that its file stays below the size limit."""


def split_rules(rules: Iterable[NameRule], answer: str) -> list[list[dict[str, Any]]]:
    """The rules, in parts for one policy each.

    A rule may be in any part: precedence depends on the properties of a rule. The order decides
    only between rules of the same rank with different answers.
    """
    parts: list[list[dict[str, Any]]] = []
    room = 0
    for effect, neighbors in groupby(rules, key=lambda rule: _effect(rule, answer)):
        names = [
            CommentedValue(match, rule.origin, rule.title)
            for rule in neighbors
            for match in rule.matches
        ]
        for at in range(0, len(names), _MAX_PER_RULE):
            some = names[at : at + _MAX_PER_RULE]
            if room < len(some):
                parts.append([])
                room = _MAX_PER_POLICY
            parts[-1].append(_rule(effect, some))
            room -= len(some)
    return parts


_Effect = tuple[bool, tuple[str, ...], str | None, bool, Schedule | None]


def _effect(rule: NameRule, answer: str) -> _Effect:
    # A rule for some types must not deny the name: its default is an empty answer.
    general = None if rule.types else answer
    return rule.allow, rule.types, rule.answer or general, rule.important, rule.when


def _rule(effect: _Effect, names: list[CommentedValue]) -> dict[str, Any]:
    allow, types, answer, important, when = effect
    rule: dict[str, Any] = {"allow" if allow else "block": names}
    if types:
        rule["types"] = list(types)
    if not allow and answer is not None:
        rule["answer"] = answer
    if important:
        rule["important"] = True
    if when is not None:
        rule["when"] = _when(when)
    return rule


def _when(when: Schedule) -> dict[str, Any]:
    written: dict[str, Any] = {"days": list(when.days)} if when.days else {}
    if when.begins is not None and when.ends is not None:
        written |= {"from": when.begins, "to": when.ends}
    return written | {"timezone": when.timezone}

"""Rules in the form of documents: neighbors that do the same become one rule with many names."""

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from keyhole.importers.common_settings import NameRule, Times
from keyhole.importers.document import Noted

_MOST_IN_RULE = 500
_MOST_IN_POLICY = 3000
"""Names in one policy, so that the file which holds it can be read again."""


def split_rules(rules: Iterable[NameRule], answer: str) -> list[list[dict[str, Any]]]:
    """The rules, in parts that go into one policy each.

    Which part a rule is in does not matter: precedence goes by what a rule is, and the first one
    of a rank decides only between answers.
    """
    parts: list[list[dict[str, Any]]] = []
    room = 0
    for deed, neighbors in groupby(rules, key=lambda rule: _deed(rule, answer)):
        names = [Noted(match, rule.origin) for rule in neighbors for match in rule.matches]
        for at in range(0, len(names), _MOST_IN_RULE):
            some = names[at : at + _MOST_IN_RULE]
            if room < len(some):
                parts.append([])
                room = _MOST_IN_POLICY
            parts[-1].append(_rule(deed, some))
            room -= len(some)
    return parts


_Deed = tuple[bool, tuple[str, ...], str, bool, Times | None]


def _deed(rule: NameRule, answer: str) -> _Deed:
    return rule.allow, rule.types, rule.answer or answer, rule.important, rule.when


def _rule(deed: _Deed, names: list[Noted]) -> dict[str, Any]:
    allow, types, answer, important, when = deed
    rule: dict[str, Any] = {"allow" if allow else "block": names}
    if types:
        rule["types"] = list(types)
    if not allow:
        rule["answer"] = answer
    if important:
        rule["important"] = True
    if when is not None:
        rule["when"] = _when(when)
    return rule


def _when(when: Times) -> dict[str, Any]:
    written: dict[str, Any] = {"days": list(when.days)} if when.days else {}
    if when.begins is not None and when.ends is not None:
        written |= {"from": when.begins, "to": when.ends}
    return written | {"timezone": when.timezone}

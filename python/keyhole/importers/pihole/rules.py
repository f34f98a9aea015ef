"""Parses one rule of Pi-hole: an exact name, or a regex with options after semicolons."""

from dataclasses import replace

from keyhole.importers.addresses import plain_address
from keyhole.importers.expression import translate
from keyhole.importers.product_settings import NameRule
from keyhole.model.name import read_name
from keyhole.model.record_type import read_record_type, show_record_type

_KINDS = {0: "allowed name", 1: "denied name", 2: "allowing regex", 3: "denying regex"}
_ALLOWING = (0, 2)
_EXPRESSIONS = (2, 3)
_REPLIES = {
    "nxdomain": ("nxdomain", ""),
    "refused": ("refused", ""),
    "nodata": ("nodata", ""),
    "ip": ("null", "answered with 0.0.0.0 and ::, not with Pi-hole's own address"),
    "none": ("refused", "refused, where Pi-hole does not answer at all"),
}

ParsedRule = tuple[NameRule, tuple[str, ...], str]
"""The rule, what changed in it, and a note."""


def read_rule(domain: str, kind: int | None, number: int | None, comment: str) -> ParsedRule:
    """Reads a row of the table domainlist; raises ValueError with the reason."""
    if kind not in _KINDS:
        raise ValueError(f"its type is unknown to Pi-hole, {kind}")
    origin = f"{_KINDS[kind]} {number}" + (f": {comment}" if comment else "")
    rule = NameRule((), allow=kind in _ALLOWING, title=domain, origin=origin)
    if kind not in _EXPRESSIONS:
        return replace(rule, matches=(read_name(domain),)), (), ""
    text, *options = domain.split(";")
    translated = translate(text, "posix")
    rule = replace(rule, matches=translated.matches)
    changes: list[str] = []
    words = [option.partition("=")[0].lower() for option in options if option]
    if len(set(words)) < len(words):
        raise ValueError("it has an option twice")
    for option in filter(None, options):
        rule = _with_option(rule, option, changes)
    return rule, tuple(changes), "; ".join(translated.notes)


def _with_option(rule: NameRule, option: str, changes: list[str]) -> NameRule:
    word, _, value = option.partition("=")
    match word.lower():
        case "querytype":
            return replace(rule, types=_types(value))
        case "reply" if rule.allow:
            return rule  # it only affects blocked queries
        case "reply":
            return replace(rule, answer=_answer(value, changes))
        case "invert":
            raise ValueError(
                "it applies to every name that does not match; rules in Keyhole cannot; list what "
                "is allowed, with default: deny"
            )
    raise ValueError(f"its option is unknown to Pi-hole, {option}")


def _types(value: str) -> tuple[str, ...]:
    if value.startswith("!"):
        raise ValueError(
            f"it applies to all types but {value[1:]}; a rule in Keyhole names its types"
        )
    return tuple(dict.fromkeys(show_record_type(read_record_type(one)) for one in value.split(",")))


def _answer(value: str, changes: list[str]) -> str:
    if address := plain_address(value):
        return address
    if value.lower().startswith("cname"):
        raise ValueError(
            f"it answers with an alias, {value}; write a Record with cname for each name"
        )
    answer, change = _REPLIES.get(value.lower(), ("", ""))
    if not answer:
        raise ValueError(f"its reply is unknown to Pi-hole, {value}")
    if change:
        changes.append(change)
    return answer

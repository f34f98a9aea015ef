"""Parses one rule in the filter list syntax, as AdGuard Home applies it to DNS."""

import re
import string
from dataclasses import dataclass, field

from keyhole.importers.addresses import plain_address
from keyhole.importers.adguard.address_pattern import is_about_addresses
from keyhole.importers.expression import translate
from keyhole.importers.policy_fields import EVERY_NAME
from keyhole.model.name import read_name
from keyhole.model.record_type import read_record_type, show_record_type

_PART = re.compile(r",(?=(?:~?[a-z-]+)(?:=|,|$))")
_SHORTEST = 3
_IN_URLS = frozenset("^/:|")
_IN_PATTERNS = _IN_URLS.union(string.ascii_letters, string.digits, "-_.*")
_NARROWING = {"important", "dnstype", "client", "ctag", "denyallow"}


@dataclass
class AdblockRule:
    """The parts of a rule."""

    text: str
    allow: bool = False
    matches: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    important: bool = False
    clients: tuple[str, ...] = ()
    """The clients that it applies to; empty means all."""
    rewrite: str | None = None
    """The value of ``$dnsrewrite``."""
    is_badfilter: bool = False
    """Whether it only disables another rule (``$badfilter``)."""
    hosts: tuple[str, tuple[str, ...]] | None = None
    """An address and names, if the line has the form of a hosts file."""
    notes: tuple[str, ...] = ()
    changes: list[str] = field(default_factory=list)


def read_adblock_rule(text: str) -> AdblockRule | None:
    """Reads a line; none for an empty line or a comment. Raises ValueError with the reason."""
    line = text.strip()
    if not line or line.startswith(("!", "# ")) or line == "#":
        return None
    words = line.partition("#")[0].split()
    if len(words) > 1 and plain_address(words[0]):
        return AdblockRule(line, hosts=(words[0], tuple(words[1:])))
    if any(mark in line for mark in ("##", "#@#", "#?#", "#$#", "#%#")):
        raise ValueError("it filters parts of web pages, which DNS does not see")
    if line.startswith("#"):
        return None
    rule = AdblockRule(line, allow=line.startswith("@@"))
    # Only behind a name alone does AdGuard take a # for the beginning of a comment.
    is_name = len(words) == 1 and _name(words[0]) is not None
    pattern, modifiers = _split(words[0] if is_name else line.removeprefix("@@"))
    keys = [modifier.partition("=")[0] for modifier in modifiers]
    if len(set(keys)) < len(keys):
        raise ValueError("it has a modifier twice")
    for modifier in modifiers:
        _modify(rule, modifier)
    # For all clients and types, the default of the policy says the same.
    is_narrow = bool(rule.clients) if rule.allow else bool(rule.types)
    if is_narrow and not pattern.strip("|^*"):
        rule.matches = (EVERY_NAME,)
    else:
        rule.matches, rule.notes = _matches(pattern, is_alone=is_name)
    return rule


def exempted(line: str) -> tuple[str, ...]:
    """The names that an exception is about which cannot be kept, because of modifiers that narrow
    it down; empty for any other line."""
    text = line.strip()
    if not text.startswith("@@"):
        return ()
    pattern, modifiers = _split(text.removeprefix("@@"))
    if not {one.partition("=")[0] for one in modifiers} <= _NARROWING:
        return ()  # AdGuard ignores the rule
    try:
        return _matches(pattern, is_alone=False)[0]
    except ValueError:
        return ()


def _split(text: str) -> tuple[str, list[str]]:
    if text.startswith("/"):
        end = text.rfind("/$")
        if end > 0:
            return text[: end + 1], _parts(text[end + 2 :])
        return text, []
    pattern, dollar, rest = text.partition("$")
    return pattern, _parts(rest) if dollar else []


def _parts(text: str) -> list[str]:
    return [part.strip() for part in _PART.split(text)]


def _modify(rule: AdblockRule, modifier: str) -> None:
    key, equals, value = modifier.partition("=")
    match key:
        case "important" if not equals:
            rule.important = True
        case "badfilter" if not equals:
            rule.is_badfilter = True
        case "dnstype":
            rule.types = _types(value)
        case "client":
            rule.clients = _clients(value)
        case "dnsrewrite":
            rule.rewrite = value
        case "denyallow":
            raise ValueError(
                "it exempts some names below; write a block rule and an allow rule; the allow rule "
                "also wins over lists"
            )
        case "ctag":
            raise ValueError("it applies to clients with a tag; use Keyhole's groups")
        case "important" | "badfilter":
            raise ValueError(f"its modifier {key} has a value, and AdGuard gives that no meaning")
        case "":
            raise ValueError("it has a $ or a comma without a modifier behind it")
        case _:
            raise ValueError(f"its modifier {key[:40]} is not one of those that AdGuard Home knows")


def _types(value: str) -> tuple[str, ...]:
    if "~" in value:
        raise ValueError(
            f"it applies to all types but {value.replace('~', '')}; a rule in Keyhole names the "
            "types that it applies to"
        )
    return tuple(dict.fromkeys(show_record_type(read_record_type(one)) for one in value.split("|")))


def _clients(value: str) -> tuple[str, ...]:
    clients = [
        one.strip().strip("'\"").replace(r"\'", "'").replace(r"\|", "|").replace(r"\,", ",")
        for one in re.split(r"(?<!\\)\|", value)
    ]
    if any(one.startswith("~") for one in clients):
        raise ValueError("it exempts some clients; write it into the policies of the other clients")
    return tuple(one for one in clients if one)


def _matches(pattern: str, *, is_alone: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of a pattern, in the form of a Keyhole rule.

    AdGuard takes a bare name for one name only if it is alone in its line; with ``@@`` or modifiers
    it looks for the text anywhere in a name.
    """
    # Anything may stand behind the end of a name, and nothing does.
    pattern = re.sub(r"\^\*+$", "^", pattern)
    if is_about_addresses(pattern):
        raise ValueError(
            "it matches addresses in answers; rules in Keyhole match only names, "
            "and the entries of a List take such lines"
        )
    if pattern.startswith("/") and pattern.endswith("/") and len(pattern) > 2:
        translated = translate(pattern[1:-1], "go")
        return translated.matches, translated.notes
    if not pattern.strip("|^*"):
        raise ValueError("it matches every name; set the policy's default instead")
    if len(pattern) < _SHORTEST:
        raise ValueError(
            f"AdGuard ignores patterns of fewer than {_SHORTEST} characters, which match too much"
        )
    for form, written in (
        (r"\|\|\*\.([^*^|]+)\^?", ("*.{}",)),
        (r"\|\|([^*^|]+)\^\|?", ("{}", "*.{}")),
        (r"\|([^*^|]+)(?:\^\|?|\|)", ("{}",)),
        (r"([^*^|]+\.[^*^|]+)", ("{}",) if is_alone else ("{}", "*.{}")),
    ):
        found = re.fullmatch(form, pattern)
        if found and (name := _name(found[1])) is not None:
            return tuple(one.format(name) for one in written), ()
    translated = translate(_as_expression(pattern), "go")
    return translated.matches, translated.notes


def _name(text: str) -> str | None:
    try:
        return read_name(text)
    except ValueError:
        return None


def _as_expression(pattern: str) -> str:
    begin = end = ""
    if pattern.startswith("||"):
        begin, pattern = r"(^|\.)", pattern[2:]
    elif pattern.startswith("|"):
        begin, pattern = "^", pattern[1:]
    # A separator (^) can only match the end of a name: names contain no other separator.
    while pattern.endswith(("^", "|")):
        end, pattern = "$", pattern[:-1]
    odd = next((one for one in pattern if one.isascii() and one not in _IN_PATTERNS), None)
    if odd is not None or ".." in pattern:
        what = "an empty label" if odd is None else f"the character {odd!r}"
        raise ValueError(f"it can match no name, because none has {what}")
    if set(pattern) & _IN_URLS:
        raise ValueError("it matches URLs; DNS sees only the host name")
    return begin + re.escape(pattern).replace(r"\*", ".*").replace(r"\-", "-") + end

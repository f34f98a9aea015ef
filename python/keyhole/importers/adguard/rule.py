"""One rule in the language of filter lists, as AdGuard Home understands it for DNS."""

import re
from dataclasses import dataclass, field

from keyhole.importers.addresses import plain_address
from keyhole.importers.expression import translate
from keyhole.model.name import read_name
from keyhole.model.record_type import read_record_type, show_record_type

_PART = re.compile(r",(?=(?:~?[a-z-]+)(?:=|,|$))")


@dataclass
class AdblockRule:
    """A rule in its parts."""

    text: str
    allow: bool = False
    matches: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    important: bool = False
    clients: tuple[str, ...] = ()
    """For whom it counts; empty means whoever."""
    rewrite: str | None = None
    """What it answers instead, as ``$dnsrewrite`` has it."""
    is_badfilter: bool = False
    """Whether it only takes another rule back."""
    hosts: tuple[str, tuple[str, ...]] | None = None
    """An address and names, where it is a line of a hosts file."""
    notes: tuple[str, ...] = ()
    changes: list[str] = field(default_factory=list)


def read_adblock_rule(text: str) -> AdblockRule | None:
    """Reads a line; none where it is empty or a remark. Raises ValueError with the reason."""
    line = text.strip()
    if not line or line.startswith(("!", "# ")) or line == "#":
        return None
    if any(mark in line for mark in ("##", "#@#", "#?#", "#$#", "#%#")):
        raise ValueError("it is about parts of pages, which DNS does not see")
    if line.startswith("#"):
        return None
    words = line.partition("#")[0].split()
    if len(words) > 1 and plain_address(words[0]):
        return AdblockRule(line, hosts=(words[0], tuple(words[1:])))
    rule = AdblockRule(line, allow=line.startswith("@@"))
    pattern, modifiers = _split(line.removeprefix("@@"))
    for modifier in modifiers:
        _modify(rule, modifier)
    rule.matches, rule.notes = _matches(pattern)
    return rule


def _split(text: str) -> tuple[str, list[str]]:
    if text.startswith("/"):
        end = text.rfind("/$")
        if end > 0:
            return text[: end + 1], _parts(text[end + 2 :])
        return text, []
    pattern, dollar, rest = text.partition("$")
    return pattern, _parts(rest) if dollar else []


def _parts(text: str) -> list[str]:
    return [part.strip() for part in _PART.split(text) if part.strip()]


def _modify(rule: AdblockRule, modifier: str) -> None:
    key, _, value = modifier.partition("=")
    match key:
        case "important":
            rule.important = True
        case "badfilter":
            rule.is_badfilter = True
        case "dnstype":
            rule.types = _types(value)
        case "client":
            rule.clients = _clients(value)
        case "dnsrewrite":
            rule.rewrite = value
        case "denyallow":
            raise ValueError(
                "it spares some names below; write a block and an allow rule, and mind that the "
                "allow rule beats lists as well"
            )
        case "ctag":
            raise ValueError("it is for clients with a tag; Keyhole has groups")
        case _:
            raise ValueError(f"it has the modifier {key[:40]}, which means nothing in DNS")


def _types(value: str) -> tuple[str, ...]:
    if "~" in value:
        raise ValueError(
            f"it acts on all types but {value.replace('~', '')}; a rule here names the types that "
            "it is about"
        )
    return tuple(dict.fromkeys(show_record_type(read_record_type(one)) for one in value.split("|")))


def _clients(value: str) -> tuple[str, ...]:
    clients = [
        one.strip().strip("'\"").replace(r"\'", "'").replace(r"\|", "|").replace(r"\,", ",")
        for one in re.split(r"(?<!\\)\|", value)
    ]
    if any(one.startswith("~") for one in clients):
        raise ValueError("it is for everybody but some; write it into the policies that it is for")
    return tuple(one for one in clients if one)


def _matches(pattern: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names that a pattern means, as a rule has them."""
    if pattern.startswith("/") and pattern.endswith("/") and len(pattern) > 2:
        translated = translate(pattern[1:-1], "go")
        return translated.matches, translated.notes
    if not pattern.strip("|^*"):
        raise ValueError("it means every name; that is what default is for")
    for form, written in (
        (r"\|\|\*\.([^*^|]+)\^?", ("*.{}",)),
        (r"\|\|([^*^|]+)\^\|?", ("{}", "*.{}")),
        (r"\|([^*^|]+)(?:\^\|?|\|)", ("{}",)),
        (r"([^*^|]+\.[^*^|]+)\^?", ("{}",)),
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
    # A separator can only be the end of a name: none of the others is in it.
    while pattern.endswith(("^", "|")):
        end, pattern = "$", pattern[:-1]
    if "^" in pattern or "/" in pattern or ":" in pattern or "|" in pattern:
        raise ValueError("it is about addresses of pages, of which DNS sees the name alone")
    return begin + re.escape(pattern).replace(r"\*", ".*").replace(r"\-", "-") + end

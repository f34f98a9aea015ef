"""What Unbound answers by itself: ``local-zone``, ``local-data``, ``local-data-ptr``."""

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from keyhole.importers.addresses import is_count, plain_address
from keyhole.importers.hosts import cname_record, host_record
from keyhole.importers.names import names_above
from keyhole.importers.plain_records import ptr_record, txt_record
from keyhole.importers.product_settings import Bundle, NameRule, Setup
from keyhole.importers.report import Kind, Report
from keyhole.model.name import read_name, reverse_name

_ORIGIN = "unbound.conf"
_BUNDLE = "zones"
_ANSWERS = {
    "static": "nxdomain",
    "always_nxdomain": "nxdomain",
    "always_nodata": "nodata",
    "always_null": "null",
    "refuse": "refused",
    "always_refuse": "refused",
    "deny": "refused",
    "always_deny": "refused",
    "block_a": "nodata",
}
"""The types of zones that withhold names, with the answer of a rule."""
_CHANGES = {
    "deny": "refused; Keyhole answers every client that it serves",
    "always_deny": "refused; Keyhole answers every client that it serves",
}
_LEFT = {
    "redirect": "its data is a Record for the name and all below it",
    "transparent": "its data are Records, and other names are asked elsewhere, as here",
    "typetransparent": "a Record answers for all types of its name",
    "nodefault": "write an Upstream with this domain for who serves it",
    "always_transparent": "names are asked elsewhere unless a policy says otherwise, as here",
    "inform": "Keyhole logs each query",
    "inform_deny": "write a rule that blocks it; Keyhole logs each query",
    "inform_redirect": "its data is a Record for the name and all below it",
    "noview": "write a policy with the clients as its subjects",
    "ipset": "Keyhole fills no sets of a firewall",
}
_THROUGH = ("transparent", "typetransparent", "always_transparent", "inform")
"""The types of zones whose names are asked elsewhere, also below a zone that withholds."""
_MATTER = frozenset([*_ANSWERS, *_THROUGH])
_WITH_DATA = ("static", "refuse", "deny", "block_a")
"""The types whose zones answer names that have data; an ``always_`` zone does not."""
_CLASSES = ("IN", "CH", "HS")


def zones_of(values: Iterable[str]) -> dict[str, str]:
    """The type of each ``local-zone`` by its name."""
    found: dict[str, str] = {}
    for name, _, kind in (value.partition(" ") for value in values):
        with suppress(ValueError):
            found[read_name(name.rstrip("."))] = kind.strip()
    return found


def take_zone(
    setup: Setup, report: Report, title: str, value: str, zones: Mapping[str, str]
) -> None:
    """A zone that withholds its names becomes a rule; names with data of their own have it. A zone
    below it that lets its names through becomes an allow rule. ``zones`` are the `zones_of` all."""
    name, _, kind = value.partition(" ")
    kind = kind.strip()
    if kind not in _ANSWERS and kind not in _THROUGH:
        report.left(
            Kind.RULE, title, _LEFT.get(kind, "Unbound's manual has no such type of a zone")
        )
        return
    try:
        found = read_name(name.rstrip("."))
    except ValueError as error:
        report.left(Kind.RULE, title, str(error))
        return
    kinds = [zones[one] for one in names_above(found) if zones.get(one) in _MATTER]
    answer = _ANSWERS.get(kind)
    if answer is None:
        _take_through(setup, report, title, found, kind, kinds)
        return
    changes = [_CHANGES[kind]] if kind in _CHANGES else []
    if important := _is_let_through(kinds):  # no other rule is stronger than that of the zone above
        changes.append("important: true, which withholds names with data of their own, too")
    types = ("A",) if kind == "block_a" else ()
    _add_rule(setup, found, title, types=types, answer=answer, important=important)
    report.add(Kind.RULE, title, changes)


def _take_through(
    setup: Setup, report: Report, title: str, name: str, kind: str, kinds: Sequence[str]
) -> None:
    """A zone that lets its names through, below zones of these types, the closest first."""
    if not kinds or kinds[0] in _THROUGH:
        report.left(Kind.RULE, title, _LEFT[kind])
    elif _is_let_through(kinds):
        why = "the rule for the zone above it has important: true, and no rule allows against that"
        report.left(Kind.RULE, title, why)
    else:
        _add_rule(setup, name, title, allow=True)
        why = f"an allow rule for {name} and all below it, which also wins over every list"
        report.changed(Kind.RULE, title, why)


def _is_let_through(kinds: Sequence[str]) -> bool:
    """Whether one of the zones above, the closest first, became an allow rule."""
    first = next((at for at, kind in enumerate(kinds) if kind in _THROUGH), len(kinds))
    return any(kind in _ANSWERS for kind in kinds[first:])


def _add_rule(
    setup: Setup,
    name: str,
    title: str,
    *,
    allow: bool = False,
    types: tuple[str, ...] = (),
    answer: str | None = None,
    important: bool = False,
) -> None:
    bundle = setup.bundles.setdefault(_BUNDLE, Bundle(_BUNDLE, for_all=True, origin=_ORIGIN))
    matches = (name, f"*.{name}")
    bundle.rules.append(
        NameRule(matches, allow, types, answer, important, title=title, origin=_ORIGIN)
    )


def take_local_data(setup: Setup, report: Report, value: str, redirected: set[str]) -> None:
    """``NAME [TTL] [CLASS] TYPE DATA``; ``redirected`` are the names whose data is for all below
    them, too."""
    words = value.split()
    name, rest = (words[0], words[1:]) if words else ("", [])
    ttl = int(rest.pop(0)) if rest and is_count(rest[0]) else None
    if rest and rest[0].upper() in _CLASSES:
        rest.pop(0)
    if rest and ttl is None and is_count(rest[0]):
        ttl = int(rest.pop(0))
    kind, data = (rest[0].upper(), rest[1:]) if rest else ("", [])
    plain = name.rstrip(".")
    below = plain.lower() in redirected
    if kind in ("A", "AAAA") and len(data) == 1 and plain_address(data[0]):
        host_record(
            setup, report, plain, data[0], _ORIGIN, ttl=ttl, is_first=False, also_below=below
        )
    elif kind == "CNAME" and len(data) == 1 and not below:
        cname_record(setup, report, plain, data[0].rstrip("."), _ORIGIN, ttl=ttl)
    elif kind == "PTR" and len(data) == 1:
        ptr_record(setup, report, plain, data[0].rstrip("."), _ORIGIN)
    elif kind == "TXT" and data and not below:
        text = value.partition(data[0])[2]
        pieces = re.findall(r"[\"']([^\"']*)[\"']", data[0] + text) or data
        txt_record(setup, report, plain, pieces, _ORIGIN)
    else:
        why = "only addresses, aliases, TXT and PTR are imported; write a Record for what you need"
        report.left(Kind.RECORD, f"local-data: {value}", why)


def take_pointer(setup: Setup, report: Report, value: str) -> None:
    """``ADDRESS [TTL] NAME``."""
    words = value.split()
    if len(words) not in (2, 3) or plain_address(words[0]) is None:
        report.left(Kind.RECORD, f"local-data-ptr: {value}", "it is no address with a name")
        return
    ptr_record(setup, report, reverse_name(words[0]), words[-1].rstrip("."), _ORIGIN)


def allow_data(setup: Setup) -> None:
    """Lets through the names with data in zones that withhold all others."""
    bundle = setup.bundles.get(_BUNDLE)
    if bundle is None:
        return
    zones = {one.matches[0] for one in bundle.rules if one.title.rpartition(" ")[2] in _WITH_DATA}
    names = dict.fromkeys(
        record.name
        for record in setup.records
        if not zones.isdisjoint(_with_above(record.name.removeprefix("*.")))
    )
    if names:
        bundle.rules.append(NameRule(tuple(names), allow=True, origin=_ORIGIN))


def _with_above(name: str) -> list[str]:
    return [name, *names_above(name)]

"""Settings that become a field, or a rule, of every policy which serves clients."""

from collections.abc import Iterable

from keyhole.importers.product_settings import Bundle, NameRule, Setup
from keyhole.importers.report import Kind, Report
from keyhole.importers.settings_file import Place
from keyhole.model.name import read_name
from keyhole.model.policy import MAX_BLOCKED_TTL
from keyhole.model.record_type import read_record_type, show_record_type

EVERY_NAME = "/./"
"""A rule for all names."""
_TYPES = "types of all names"
"""The key of a bundle, which is no name that people give to a group."""


def take_blocked_ttl(
    setup: Setup, report: Report, title: str, seconds: int | None, at: Place | None = None
) -> None:
    """Sets how long a client may cache the answer for a blocked name; none is no valid time."""
    if seconds is None or seconds < 0:
        why = "it is no time from 0s to 1d; without blockedTtl in a policy, it is 10 seconds"
        report.left(Kind.SETTING, title, why, at)
        return
    setup.blocked_ttl = min(seconds, MAX_BLOCKED_TTL)
    shown = f"blockedTtl: {setup.blocked_ttl}"
    if setup.blocked_ttl == seconds:
        report.taken(Kind.SETTING, title, shown, at)
    else:
        report.changed(Kind.SETTING, title, f"{shown}; more is not allowed", at)


def take_private_name(
    setup: Setup, report: Report, title: str, text: str, at: Place | None = None
) -> None:
    """Lets a name, and all below it, have private addresses."""
    try:
        name = read_name(text)
    except ValueError as error:
        report.left(Kind.SETTING, title, str(error), at)
        return
    setup.private_names += [name, f"*.{name}"]
    report.taken(Kind.SETTING, title, "privateAddresses: allow, for it and all below it", at)


def take_types(
    setup: Setup, report: Report, title: str, types: Iterable[str], at: Place | None = None
) -> None:
    """Blocks record types of all names, which gives an empty answer."""
    try:
        known = tuple(dict.fromkeys(show_record_type(read_record_type(one)) for one in types))
    except ValueError as error:
        report.left(Kind.SETTING, title, str(error), at)
        return
    bundle = setup.bundles.setdefault(_TYPES, Bundle("types", for_all=True, origin=title))
    bundle.rules.append(NameRule((EVERY_NAME,), types=known, title=title, origin=title))
    why = "a rule for all names, with an empty answer; a name that a rule allows keeps the type"
    report.changed(Kind.SETTING, title, why, at)

"""Safe search and blocked services, by Keyhole's own tables."""

import re

from keyhole.importers.report import Kind, Report
from keyhole.importers.typed_reader import Section
from keyhole.model.blocked_services import known_services
from keyhole.model.safe_search import ENGINES

_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")
_NAMES = {
    "amazon_streaming": "primevideo",
    "electronic_arts": "ea",
    "epic_games": "epicgames",
    "hbomax": "max",
    "twitter": "x",
    "xboxlive": "xbox",
}
"""Services that have another name in Keyhole."""


def take_safe_search(report: Report, section: Section, who: str) -> tuple[tuple[str, ...], str]:
    """The search engines, and the mode of YouTube, that are restricted."""
    search = section.under("safe_search")
    old = section.flag("safesearch_enabled", False)  # before schema 19: for all engines
    if not (search.flag("enabled", False) or old):
        search.ignore(*search.value)
        return (), "off"
    engines = tuple(one for one in ENGINES if search.flag(one, old))
    youtube = "moderate" if search.flag("youtube", old) else "off"
    title = f"{who}: safe search" if who else "safe search"
    shown = [*engines, *(["YouTube"] if youtube != "off" else [])]
    why = f"by Keyhole's own table: {', '.join(shown) or 'nothing'}"
    report.changed(Kind.SETTING, title, why, report.place_of(search.place_of("enabled")))
    search.ignore(*search.value)
    return engines, youtube


def take_services(
    report: Report, section: Section, who: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The blocked services of Keyhole's table, and those that only AdGuard's file has."""
    place = f"{who}: " if who else ""
    if isinstance(section.value.get("blocked_services"), list):  # before schema 23
        services, names = Section({}, report), section.texts("blocked_services")
    else:
        services = section.under("blocked_services")
        names = services.texts("ids")
    schedule = services.under("schedule")
    schedule.ignore(*schedule.value)
    if names and any(key != "time_zone" for key in schedule.value):
        why = (
            "its schedule unblocks these services at times; here they are always blocked: write "
            "rules with when: in the place of services"
        )
        report.left(Kind.SCHEDULE, f"{place}blocked services", why, schedule.place)
    return _sorted(report, place, names)


def _sorted(
    report: Report, place: str, names: list[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    own: dict[str, None] = {}
    listed: dict[str, None] = {}
    for name in names:
        title, at = f"{place}blocked service {name}", report.find(name)
        known = _NAMES.get(name, name)
        if known in known_services():
            why = f"services: {known}, by Keyhole's own table, whose names may differ"
            report.changed(Kind.RULE, title, why, at)
            own[known] = None
        elif _ID.fullmatch(name):
            why = "a List with AdGuard's file of services, which Keyhole downloads"
            report.changed(Kind.RULE, title, why, at)
            listed[name] = None
        else:
            report.left(Kind.RULE, title, "it is no name of a service", at)
    return tuple(own), tuple(listed)

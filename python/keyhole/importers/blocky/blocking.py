"""The section ``blocking``: groups of lists, their clients and their schedules."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from keyhole.importers.addresses import plain_address
from keyhole.importers.blocky.clients import Clients
from keyhole.importers.durations import local_zone, seconds_of
from keyhole.importers.expression import translate
from keyhole.importers.policy_fields import take_blocked_ttl
from keyhole.importers.product_settings import Bundle, ListSource, NameRule, Schedule, Setup
from keyhole.importers.report import Kind, Report
from keyhole.importers.typed_reader import Section
from keyhole.importers.urls import list_url, take_refresh
from keyhole.model.name import read_name
from keyhole.model.schedule import read_days, read_minute

_LISTS = (("denylists", False), ("blackLists", False), ("allowlists", True), ("whiteLists", True))


def take_blocking(setup: Setup, report: Report, blocking: Section, clients: Clients) -> None:
    """Adds the groups, and assigns them to clients."""
    importer = _BlockingImporter(setup, report, blocking)
    importer.answer()
    _take_times(setup, report, blocking)
    for key, allow in _LISTS:
        for group, _ in blocking.entries(key):
            importer.group(group, blocking.under(key).texts(group), allow=allow)
    for group, bundle in setup.bundles.items():
        _tell_group(report, blocking, group, bundle)
    for key, _ in blocking.entries("clientGroupsBlock"):
        groups = tuple(blocking.under("clientGroupsBlock").texts(key))
        for missing in (group for group in groups if group not in setup.bundles):
            report.left(Kind.GROUP, f"{key}: {missing}", "this group has no list")
        if key == "default":
            setup.default_bundles = groups
            continue
        with report.at(report.place_of(f"{blocking.place_of('clientGroupsBlock')}.{key}")):
            for client in clients.clients_of(key, "clientGroupsBlock"):
                client.bundles = tuple(dict.fromkeys((*client.bundles, *groups)))


def _take_times(setup: Setup, report: Report, blocking: Section) -> None:
    if text := blocking.text("blockTTL"):
        title = f"{blocking.place_of('blockTTL')} = {text}"
        take_blocked_ttl(setup, report, title, seconds_of(text))
    for section in (blocking, blocking.under("loading")):
        if text := section.text("refreshPeriod"):
            title = f"{section.place_of('refreshPeriod')} = {text}"
            take_refresh(setup, report, title, seconds_of(text))


def _tell_group(report: Report, blocking: Section, group: str, bundle: Bundle) -> None:
    denied = {**blocking.under("denylists").value, **blocking.under("blackLists").value}
    places = (blocking.place_of(f"{key}.{group}") for key, _ in _LISTS)
    at = next(filter(None, map(report.place_of, places)), None)
    if group in denied:
        report.taken(Kind.GROUP, group, at=at)
        return
    bundle.denies_rest = True
    why = "it only allows names, so its policies have default: deny; all other names are refused"
    report.changed(Kind.GROUP, group, why, at)


@dataclass
class _BlockingImporter:
    setup: Setup
    report: Report
    blocking: Section
    _known_times: dict[str, tuple[Schedule, ...]] = field(default_factory=dict)

    def answer(self) -> None:
        text = self.blocking.text("blockType", "zeroIp")
        name = f"blocking.blockType = {text}"
        addresses = [known for part in text.split(",") if (known := plain_address(part))]
        if text.lower() == "nxdomain":
            self.setup.answer = "nxdomain"
            self.report.taken(Kind.SETTING, name, "answer: nxdomain")
        elif addresses:
            self.setup.answer = addresses[0]
            why = f"answer: {addresses[0]}; a single address, so other types get an empty answer"
            self.report.changed(Kind.SETTING, name, why)
        elif text.lower() == "zeroip":
            self.report.taken(Kind.SETTING, name, "answer: null")
        else:
            self.report.changed(Kind.SETTING, name, "the type is unknown; answer: null is used")

    def group(self, group: str, sources: list[str], *, allow: bool) -> None:
        bundle = self.setup.bundles.setdefault(group, Bundle(group, origin=f"group {group}"))
        times = self._times(group)
        for source in sources:
            if "\n" in source:
                self._inline(bundle, source, times, allow=allow)
            else:
                self._url(bundle, source, scheduled=bool(times), allow=allow)

    def _url(self, bundle: Bundle, address: str, *, scheduled: bool, allow: bool) -> None:
        if scheduled and allow:
            why = "it has a schedule; lists in Keyhole always apply, so write rules with when:"
            self.report.left(Kind.LIST, address, why)
            return
        try:
            url, changes = list_url(address)
        except ValueError as error:
            self.report.left(Kind.LIST, address, str(error))
            return
        if scheduled:
            changes = (*changes, "it always blocks, because only rules have schedules in Keyhole")
        bundle.lists.append(ListSource(url, allow, origin=f"group {bundle.title}"))
        self.report.add(Kind.LIST, address, changes)

    def _inline(
        self, bundle: Bundle, text: str, times: tuple[Schedule, ...], *, allow: bool
    ) -> None:
        for line in self.report.inside(text):
            entry = line.strip() if line.strip().startswith("/") else line.partition("#")[0].strip()
            if not entry or entry.startswith("#"):
                continue
            try:
                matches, note = _matches(entry)
            except ValueError as error:
                self.report.left(Kind.RULE, entry, str(error))
                continue
            rule = NameRule(matches, allow, title=entry, origin=f"group {bundle.title}: {entry}")
            bundle.rules += [replace(rule, when=one) for one in times] or [rule]
            self.report.taken(Kind.RULE, entry, note)

    def _times(self, group: str) -> tuple[Schedule, ...]:
        """The schedules of a group; empty means always. Each is reported once."""
        if group not in self._known_times:
            names = self.blocking.under("listSchedules").texts(group)
            times = (time for name in names for time in self._schedule(name, group))
            self._known_times[group] = tuple(times)
        return self._known_times[group]

    def _schedule(self, name: str, group: str) -> Iterator[Schedule]:
        schedule = self.blocking.under("schedules", name)
        at = schedule.place
        title = f"{name} for {group}"
        days, zone = schedule.texts("weekdays"), local_zone()
        begins, ends = schedule.text("start") or None, schedule.text("end") or None
        try:
            for day in days:
                read_days(day)
            for time in filter(None, (begins, ends)):
                read_minute(time)
            if not days or (begins is None) != (ends is None) or (begins and begins == ends):
                raise ValueError("it has no days, or only one of start and end")
        except ValueError as error:
            self.report.left(Kind.SCHEDULE, title, str(error), at)
            return
        why = f"its times are in {zone}, the time zone of this machine; see when: in its rules"
        self.report.changed(Kind.SCHEDULE, title, why, at)
        yield Schedule(tuple(day.lower() for day in days), begins, ends, zone)


def _matches(entry: str) -> tuple[tuple[str, ...], str]:
    """The names of a line: a name, ``*.NAME``, ``/REGEX/``, or an address and names."""
    if entry.startswith("/") and entry.endswith("/") and len(entry) > 2:
        translated = translate(entry[1:-1].strip(), "go", ignores_case=False)
        return translated.matches, "; ".join(translated.notes)
    words = entry.split()
    if len(words) > 1 and plain_address(words[0]):
        return tuple(read_name(word) for word in words[1:]), ""
    if plain_address(entry):
        raise ValueError(
            "it blocks answers with this address; rules in Keyhole match only names, "
            "and the entries of a List take it as ||ADDRESS^"
        )
    if entry.startswith("*."):
        return (read_name(entry[2:]), f"*.{read_name(entry[2:])}"), ""
    return (read_name(entry),), ""

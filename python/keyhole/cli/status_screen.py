"""The screen of ``keyhole status``: what is right in a few lines, what is wrong with its reason."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.markup import escape

from keyhole.cli.output import sanitize
from keyhole.model.upstream import ENCRYPTED

Json = Mapping[str, Any]
MAX_ROWS = 6
"""Lists and upstreams that are shown while they work; more are counted."""


def show_status(terminal: Console, found: Json) -> None:
    """Shows what ``/status`` says."""
    _show_head(terminal, found)
    for transport, addresses in found["listeners"].items():
        if addresses:
            terminal.print(f"  {escape(transport)}: {escape(', '.join(addresses))}")
    if found["page"]:
        url = escape(found["page"])
        terminal.print(f"  page: {url}  [dim]API: {url}/api/v1[/]")
    terminal.print(_blocking(found["blocking"]))
    if found["lists_in_use"] or not any(one["name"] == "documents" for one in found["parts"]):
        _show_lists(terminal, found["lists_in_use"])
    else:
        terminal.print("lists: those of the last good snapshot")
    _show_upstreams(terminal, found["upstreams"])
    _show_problems(terminal, found)
    _show_counts(terminal, found)


def show_part(terminal: Console, one: Json) -> None:
    """One part that needs attention, with the reason below it."""
    terminal.print(f"[red]{escape(one['name'])}: {escape(one['state'])}[/]")
    for line in one["why"].splitlines():
        terminal.print(f"    {escape(sanitize(line))}")


def _show_head(terminal: Console, found: Json) -> None:
    up = f", up {_age(found['uptime'])}" if found["uptime"] is not None else ""
    rate = f", {found['rate']:,.1f} queries a second" if found["rate"] is not None else ""
    name = f"Keyhole {escape(found['role'])}, version {escape(found['version'])}"
    terminal.print(f"{name}{up}{rate}")
    if not found["wrong"]:
        terminal.print("[green]all works[/]")
    # An earlier version says nothing of it.
    if found.get("restored"):
        terminal.print(f"restored {escape(sanitize(found['restored']))}")
    for one in found["wrong"]:
        terminal.print(f"[red]wrong:[/] {escape(sanitize(one))}")


def _blocking(one: Json) -> str:
    if one["state"] == "paused":
        return f"blocking: [yellow]paused until {_clock(one['until'])}[/]"
    if one["state"] == "waiting":
        return "blocking: [yellow]nothing yet[/], no list has entries"
    if one["state"] == "off":
        return "blocking: [yellow]off[/], no policy has a list or a rule that blocks"
    if one["state"] == "refusing":
        return "blocking: [red]every query is refused[/], no documents are in force"
    paused = ", ".join(
        f"{escape(each['policy'])} until {_clock(each['until'])}" for each in one["paused"]
    )
    return f"blocking: [green]on[/]{f', [yellow]paused:[/] {paused}' if paused else ''}"


def _show_lists(terminal: Console, lists: Sequence[Json]) -> None:
    if not lists:
        terminal.print("lists: none is used; keyhole lists enable NAME changes that")
        return
    good = [one for one in lists if one["state"] == "in force" and not one["why"]]
    entries = sum(one["taken"] or 0 for one in lists)
    times = [datetime.fromisoformat(one["checked"]) for one in lists if one["checked"]]
    age = f", checked {_age(_seconds_since(min(times)))} ago" if times else ""
    count = f"{len(good)} of {len(lists)} in force, {_entries(entries)}{age}"
    terminal.print(f"lists: {count}")
    for one in lists:
        if one in good:
            if len(lists) <= MAX_ROWS:
                terminal.print(f"  {escape(one['name'])}: {_entries(one['taken'])}")
            continue
        state = one["state"]
        if not one["taken"]:
            state = _empty(one)
        if one["failing_since"]:
            state += f", failing since {_clock(one['failing_since'])}"
        why = f": {escape(sanitize(one['why']))}" if one["why"] else ""
        terminal.print(f"  [yellow]{escape(one['name'])}: {escape(state)}[/]{why}")


def _empty(one: Json) -> str:
    if one["state"] == "in force":
        return "no entries"
    return "no entries yet" if one["why"] else f"no entries yet, {one['state']}"


def _entries(count: int) -> str:
    return "1 entry" if count == 1 else f"{count:,} entries"


def _show_upstreams(terminal: Console, upstreams: Sequence[Json]) -> None:
    working = [one for one in upstreams if one["condition"] == "works"]
    terminal.print(f"upstreams: {len(working)} of {len(upstreams)} work")
    for one in upstreams:
        if one["condition"] == "fails":
            terminal.print(f"  {_failing(one)}")
        elif len(upstreams) <= MAX_ROWS:
            how = one["protocol"] + ("" if one["protocol"] in ENCRYPTED else ", unencrypted")
            terminal.print(f"  {escape(one['name'])} ({how}): {_working(one)}")


def _working(one: Json) -> str:
    since = f", since {_clock(one['since'])}" if one["since"] else ""
    if one["condition"] == "works":
        speed = f", {one['round_trip'] * 1000:.0f} ms" if one["round_trip"] else ""
        return f"[green]works[/]{speed}{since}"
    if one["last_error"]:
        return f"no answer yet, {escape(sanitize(one['last_error']))}"
    return "not asked yet"


def _failing(one: Json) -> str:
    name, why = escape(sanitize(one["name"])), escape(sanitize(one["last_error"] or ""))
    since = f" since {_clock(one['since'])}" if one["since"] else ""
    return f"[red]upstream {name} is asked after the others[/]{since}: {why}"


def _show_problems(terminal: Console, found: Json) -> None:
    for one in found["parts"]:
        show_part(terminal, one)
    for one in found["lists"]:
        name, why = escape(sanitize(one["name"])), escape(sanitize(one["why"]))
        terminal.print(f"[yellow]list[/] {name}: {why}")
    for one in found["undelivered"]:
        name, why = escape(sanitize(one["engine"])), escape(sanitize(one["why"]))
        terminal.print(f"[red]revocations are not yet at[/] {name}: {why}")


def _show_counts(terminal: Console, found: Json) -> None:
    for one in found["handshakes"]:
        count, why = one["count"], escape(sanitize(one["reason"]))
        terminal.print(f"handshakes refused ({escape(one['listener'])}): {count} {why}")
    for word, count in (found["closed_connections"] or {}).items():
        terminal.print(f"connections closed: {count} {escape(word)}")
    for line in (*_udp_cut(found), *_exports(found), *_events(found)):
        terminal.print(line)


def _udp_cut(found: Json) -> Iterator[str]:
    # None while no engine answers.
    if count := (found.get("counters") or {}).get("udp_cut", 0):
        answers = "1 answer" if count == 1 else f"{count:,} answers"
        yield (
            f"[yellow]cut over UDP: {answers}[/] since the start, so that the client asked again "
            "over TCP; if usual work makes it grow, raise limits.udp_allowance"
        )


def _exports(found: Json) -> Iterator[str]:
    for one in found["dnstap"]:
        how = "" if one["is_working"] else " (not connected; will retry)"
        counts = f"{one['sent']} sent, {one['dropped']} dropped"
        yield f"dnstap to {escape(one['target'])}: {counts}{how}"
    if found["traces"]:
        one = found["traces"]
        where = escape(sanitize(one["endpoint"]))
        counts = f"{one['exported']} sent, {one['lost']} lost, {one['limited']} over the rate"
        yield f"traces to {where}: {counts}"
        if not one["is_working"]:
            why = escape(sanitize(one["last_error"] or ""))
            yield f"[red]traces are not taken by {where}[/]: {why}"


def _events(found: Json) -> Iterator[str]:
    # An earlier version says nothing of them.
    for one in found.get("events", ()):
        where = f"{escape(one['kind'])} {escape(sanitize(one['target']))}"
        counts = f"{one['sent']} sent, {one['lost']} lost, {one['waiting']} wait"
        yield f"events to {where}: {counts}"
        if not one["is_working"]:
            since, why = _clock(one["since"]), escape(sanitize(one["why"] or ""))
            yield f"[red]events are not taken by {where}[/] since {since}: {why}"


def _seconds_since(time: datetime) -> float:
    return max(0.0, (datetime.now(UTC) - time).total_seconds())


def _age(seconds: float) -> str:
    """A time span in its two largest units, such as ``3d 4h``."""
    left, words = int(seconds), []
    for unit, word in ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")):
        count, left = divmod(left, unit)
        if count:
            words.append(f"{count}{word}")
    return " ".join(words[:2]) or "0s"


def _clock(time: str) -> str:
    """A time in the zone of this machine; with its day unless that is today."""
    at = datetime.fromisoformat(time).astimezone()
    is_today = at.date() == datetime.now(UTC).astimezone().date()
    return at.strftime("%H:%M:%S" if is_today else "%Y-%m-%d %H:%M")

"""``keyhole findings``: clients that a person must look at, with the evidence."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from keyhole.cli.api_client import ApiClient
from keyhole.cli.options import DATA, JSON, WHY
from keyhole.cli.output import console, named_by, print_json, sanitize
from keyhole.cli.pause import clock, seconds

EXAMPLES = """
[bold]Examples[/]

  keyhole findings                     those that nobody has muted or closed

  keyhole findings --all               all of them

  keyhole findings show 12             one, with its curve and names

  keyhole findings mute 12 --for 30d --why "backup of the NAS"

  keyhole findings close 12 --why "machine reinstalled"
"""

_BARS = " ▁▂▃▄▅▆▇█"
_STYLES = {"alert": "yellow", "throttle": "yellow", "block": "red"}

Number = Annotated[int, typer.Argument(metavar="NUMBER", min=1, help="Its number.")]

app = typer.Typer(help="Clients that a person must look at, with the evidence.")


@app.callback(invoke_without_command=True, epilog=EXAMPLES)
def findings(
    context: typer.Context,
    every: Annotated[
        bool, typer.Option("--all", help="Also those that are muted or closed.")
    ] = False,
    data: DATA = None,
    as_json: JSON = False,
) -> None:
    """Show the clients that a person must look at: those that told a domain more by names than a
    budget allows."""
    if context.invoked_subcommand is not None:
        return
    params = {} if every else {"state": "open"}
    with ApiClient(data) as api:
        found = api.ask("GET", "/findings", params=params).json()["items"]
    if as_json:
        print_json(found)
        return
    terminal = console()
    if not found:
        terminal.print("no findings" if every else "no open findings")
    for one in found:
        terminal.print(_line(one))


@app.command("show")
def show(number: Number, data: DATA = None, as_json: JSON = False) -> None:
    """Show one finding: how much when, what was done, and a sample of the names."""
    with ApiClient(data) as api:
        found = api.ask("GET", f"/findings/{number}").json()
    if as_json:
        print_json(found)
    else:
        _show(console(), found)


@app.command("mute")
def mute(
    number: Number,
    length: Annotated[
        str, typer.Option("--for", metavar="TIME", help="How long, such as 30d; up to 366d.")
    ],
    why: Annotated[str, typer.Option("--why", help="The reason, for whoever reads it.")],
    data: DATA = None,
    as_json: JSON = False,
) -> None:
    """Keep a finding out of what needs attention for a time. It goes on counting, and what the
    policy does with the client stays as it is."""
    _change(number, "mute", {"seconds": seconds(length), "why": why}, data, as_json=as_json)


@app.command("close")
def close(number: Number, why: WHY = None, data: DATA = None, as_json: JSON = False) -> None:
    """Say that a finding is dealt with. What comes after it is a new finding."""
    _change(number, "close", {"why": why}, data, as_json=as_json)


@app.command("reopen")
def reopen(number: Number, why: WHY = None, data: DATA = None, as_json: JSON = False) -> None:
    """End the mute of a finding, or take back that it was closed."""
    _change(number, "reopen", {"why": why}, data, as_json=as_json)


def _change(
    number: int, action: str, body: dict[str, Any], data: Path | None, *, as_json: bool
) -> None:
    with ApiClient(data) as api:
        done = api.ask("POST", f"/findings/{number}/{action}", json=body).json()
    if as_json:
        print_json(done)
    else:
        console().print(f"finding {number} is {_state(done)}")


def _line(one: dict[str, Any]) -> str:
    state = "" if one["state"] == "open" else f" [dim]({_state(one)})[/]"
    style = _STYLES[one["level"]]
    return (
        f"{one['number']:>5} [dim]{clock(one['last'])}[/] [{style}]{one['action']}[/] "
        f"[bold]{_who(one)}[/] {_about(one)}{state}"
    )


def _about(one: dict[str, Any]) -> str:
    domain = escape(sanitize(one["domain"]))
    return f"{domain}: {_amount(one)}" if domain else _amount(one)


def _amount(one: dict[str, Any]) -> str:
    """What made it one, with its unit."""
    unit = "domains that do not exist" if one["kind"] == "missing" else "octets"
    return f"{one['octets']:,} {unit}"


def _show(terminal: Console, one: dict[str, Any]) -> None:
    policy = escape(sanitize(one["policy"] or "unknown"))
    rows = {
        "client": _who(one),
        "domain": escape(sanitize(one["domain"])) or "many",
        "rule": f"{one['rule']} of the policy {policy}",
        "time": f"{clock(one['first'])} to {clock(one['last'])}",
        "amount": f"{_amount(one)} {_picture(one['curve'])}",
        "done": ", ".join(_counts(one)),
        "state": _state(one),
    }
    for word, value in rows.items():
        terminal.print(f"[dim]{word:>8}[/] {value}")
    for name in one["names"]:
        terminal.print(f"         {escape(sanitize(name))}")


def _counts(one: dict[str, Any]) -> list[str]:
    refused = sum(one["refused"].values())
    observed = [f"{count:,} noted ({level})" for level, count in one["observed"].items()]
    return [f"{refused:,} refused", *observed] if refused else observed


def _picture(curve: list[dict[str, Any]]) -> str:
    """The curve in one line, each point by its height."""
    most = max((point["octets"] for point in curve), default=0)
    top = len(_BARS) - 1
    return "".join(_BARS[-(-point["octets"] * top // most)] for point in curve) if most else ""


def _who(one: dict[str, Any]) -> str:
    client = one["client"]
    if client["kind"] == "anonymous":
        return "a client that the log does not name"
    if client["kind"] == "several":
        return f"about {one['clients']:,} clients together"
    value = f"token {client['value']}" if client["kind"] == "token" else client["value"]
    named = {"client_name": client["name"], "client_name_source": client.get("name_source")}
    return escape(sanitize(named_by(named, value)))


def _state(one: dict[str, Any]) -> str:
    by = f", by {escape(sanitize(one['who']))}" if one["who"] else ""
    reason = f": {escape(sanitize(one['why']))}" if one["why"] else ""
    until = f" until {clock(one['until'])}" if one["until"] else ""
    return f"{one['state']}{until}{by}{reason}"

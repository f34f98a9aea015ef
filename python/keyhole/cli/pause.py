"""``keyhole pause`` and ``keyhole resume``: stop blocking for a time, and start it again."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from keyhole.cli.api_client import ApiClient
from keyhole.cli.app import FAILED
from keyhole.cli.options import DATA, JSON, duration
from keyhole.cli.output import console, errors_console, print_json, sanitize

PAUSE_EXAMPLES = """
[bold]Examples[/]

  keyhole pause --for 10m                    blocking by all policies

  keyhole pause kids --for 1h --why homework

  keyhole pause                              what is paused now

At most 24h. It ends by itself, even if control stops meanwhile.
"""

RESUME_EXAMPLES = """
[bold]Examples[/]

  keyhole resume                             ends all pauses

  keyhole resume kids                        ends the pause of one policy
"""

Policy = Annotated[str | None, typer.Argument(help="The policy. Default: all.")]

app = typer.Typer()


@app.command("pause", epilog=PAUSE_EXAMPLES)
def pause(
    policy: Policy = None,
    length: Annotated[
        str | None, typer.Option("--for", metavar="TIME", help="How long, such as 10m; up to 24h.")
    ] = None,
    why: Annotated[
        str | None, typer.Option("--why", help="The reason, for the audit record.")
    ] = None,
    data: DATA = None,
    as_json: JSON = False,
) -> None:
    """Pause blocking: block rules and lists only record for a time. Without --for, show the pauses.

    Important rules, decisions and a default that denies stay in force: a pause
    allows nothing that the default of a policy denies.
    """
    if length is None:
        if policy is not None or why is not None:
            raise typer.BadParameter("give a time, such as --for 10m")
        _list(data, as_json=as_json)
        return
    request = {"policy": policy, "seconds": seconds(length), "why": why}
    with ApiClient(data) as api:
        done = api.ask("POST", "/pauses", json=request).json()
    if as_json:
        print_json(done)
    else:
        _show(console(), done["pause"])
    require_everywhere(done)


@app.command("resume", epilog=RESUME_EXAMPLES)
def resume(policy: Policy = None, data: DATA = None, as_json: JSON = False) -> None:
    """End a pause before its time."""
    path = "/pauses" if policy is None else f"/pauses/{policy}"
    with ApiClient(data) as api:
        done = api.ask("DELETE", path).json()
    if as_json:
        print_json(done)
    else:
        console().print("names are blocked again" if done["ended"] else "nothing was paused")
    require_everywhere(done)


def _list(data: Path | None, *, as_json: bool) -> None:
    with ApiClient(data) as api:
        found = api.ask("GET", "/pauses").json()["items"]
    if as_json:
        print_json(found)
        return
    terminal = console()
    if not found:
        terminal.print("nothing is paused")
    for one in found:
        _show(terminal, one)


def _show(terminal: Console, one: dict[str, Any]) -> None:
    policies = (
        f"by the policy [bold]{escape(one['policy'])}[/]" if one["policy"] else "by all policies"
    )
    reason = f" [dim]({escape(sanitize(one['why']))})[/]" if one["why"] else ""
    who = escape(sanitize(one["who"]))
    terminal.print(
        f"blocking {policies} is [yellow]paused until {clock(one['until'])}[/], by {who}{reason}"
    )


def require_everywhere(done: dict[str, Any]) -> None:
    """Says why a change is not in force at every engine; then the command has failed."""
    if not done["is_in_force"]:
        why = escape(sanitize(done["why_not"]))
        errors_console().print(f"[red]not in force yet:[/] {why}")
        raise typer.Exit(FAILED)


def clock(time: str) -> str:
    """A time in the zone of this machine."""
    return datetime.fromisoformat(time).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def seconds(written: str) -> int:
    """Reads a duration such as ``10m`` in whole seconds; raises ``BadParameter``."""
    found = duration(written).total_seconds()
    if found < 1 or found % 1:
        raise typer.BadParameter(f"{written} is not a whole number of seconds")
    return int(found)

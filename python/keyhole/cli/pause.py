"""``keyhole pause`` and ``keyhole resume``: blocking off for a while, and on again."""

from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from keyhole.cli.api_client import ApiClient
from keyhole.cli.apply import AsJson, Data
from keyhole.cli.options import duration
from keyhole.cli.output import console, print_json, sanitize

PAUSE_EXAMPLES = """
[bold]Examples[/]

  keyhole pause --for 10m                    blocking by every policy

  keyhole pause kids --for 1h --why homework

  keyhole pause                              what is paused now

At most 24h. It ends by itself, whatever becomes of control meanwhile.
"""

RESUME_EXAMPLES = """
[bold]Examples[/]

  keyhole resume                             ends every pause

  keyhole resume kids                        ends the pause of one policy
"""

Policy = Annotated[str | None, typer.Argument(help="The policy; all if left out.")]

app = typer.Typer()


@app.command("pause", epilog=PAUSE_EXAMPLES)
def pause(
    policy: Policy = None,
    length: Annotated[
        str | None, typer.Option("--for", metavar="TIME", help="How long, such as 10m; up to 24h.")
    ] = None,
    why: Annotated[str | None, typer.Option("--why", help="Why, for the audit record.")] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Pause blocking: block rules and lists only record for a while. Without --for, show what is
    paused.

    Important rules, decisions and a default that denies go on: a pause
    opens nothing that was never allowed.
    """
    if length is None:
        if policy is not None or why is not None:
            raise typer.BadParameter("say how long, as --for 10m")
        _list(data, as_json=as_json)
        return
    asked = {"policy": policy, "seconds": seconds(length), "why": why}
    with ApiClient(data) as api:
        done = api.ask("POST", "/pauses", json=asked).json()
    if as_json:
        print_json(done)
        return
    terminal = console()
    _show(terminal, done["pause"])
    warn(terminal, done)


@app.command("resume", epilog=RESUME_EXAMPLES)
def resume(policy: Policy = None, data: Data = None, as_json: AsJson = False) -> None:
    """End a pause before its time."""
    path = "/pauses" if policy is None else f"/pauses/{policy}"
    with ApiClient(data) as api:
        done = api.ask("DELETE", path).json()
    if as_json:
        print_json(done)
        return
    terminal = console()
    ended = "names are blocked again" if done["ended"] else "nothing was paused"
    terminal.print(ended)
    warn(terminal, done)


def _list(data: Data, *, as_json: bool) -> None:
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
    whose = (
        f"by the policy [bold]{escape(one['policy'])}[/]" if one["policy"] else "by all policies"
    )
    said = f" [dim]({escape(sanitize(one['why']))})[/]" if one["why"] else ""
    who = escape(sanitize(one["who"]))
    terminal.print(
        f"blocking {whose} is [yellow]paused until {clock(one['until'])}[/], by {who}{said}"
    )


def warn(terminal: Console, done: dict[str, Any]) -> None:
    """Says why something does not act yet."""
    if not done["is_in_force"]:
        terminal.print(f"[red]not in force yet:[/] {escape(sanitize(done['why_not']))}")


def clock(moment: str) -> str:
    """A moment by the clock on the wall here."""
    return datetime.fromisoformat(moment).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def seconds(written: str) -> int:
    """A time such as ``10m`` in whole seconds; wrong usage for any other one."""
    found = duration(written).total_seconds()
    if found < 1 or found % 1:
        raise typer.BadParameter(f"{written} is not a whole number of seconds")
    return int(found)

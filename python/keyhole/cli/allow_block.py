"""``keyhole allow``, ``block`` and ``decisions``: what people decided about names."""

from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from keyhole.cli.api_client import ApiClient
from keyhole.cli.apply import AsJson, Data
from keyhole.cli.output import console, print_json, sanitize
from keyhole.cli.pause import clock, seconds, warn

ALLOW_EXAMPLES = """
[bold]Examples[/]

  keyhole allow shop.example.org                   for everyone, until it is taken back

  keyhole allow example.org --below --for 1h       and every name below, for an hour

  keyhole allow shop.example.org --client client:tablet

Exit code 1: it is not in force yet, or it cannot act anywhere.
"""

BLOCK_EXAMPLES = """
[bold]Examples[/]

  keyhole block games.example.org --below --client client:tablet --for 2h
"""

DECISIONS_EXAMPLES = """
[bold]Examples[/]

  keyhole decisions                                those that stand

  keyhole decisions --remove 12
"""

Name = Annotated[str, typer.Argument(help="The name, such as example.org.")]
Client = Annotated[
    str | None,
    typer.Option(
        "--client",
        metavar="WHO",
        help="For this one alone: spiffe://ID, token:NAME, client:NAME, an address or a network.",
    ),
]
Length = Annotated[
    str | None,
    typer.Option("--for", metavar="TIME", help="How long, such as 1h; else until taken back."),
]
Below = Annotated[bool, typer.Option("--below", help="Every name below as well.")]
Why = Annotated[str | None, typer.Option("--why", help="Why, for the audit record.")]

app = typer.Typer()


@app.command("allow", epilog=ALLOW_EXAMPLES)
def allow(
    name: Name,
    client: Client = None,
    length: Length = None,
    below: Below = False,
    why: Why = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Allow a name now. It comes before lists and rules, but not before important rules.

    For everyone, it opens no policy that denies by default; name the
    client for that.
    """
    _decide("allow", name, client, length, below, why, data, as_json)


@app.command("block", epilog=BLOCK_EXAMPLES)
def block(
    name: Name,
    client: Client = None,
    length: Length = None,
    below: Below = False,
    why: Why = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Block a name now, whatever lists and rules allow."""
    _decide("block", name, client, length, below, why, data, as_json)


@app.command("decisions", epilog=DECISIONS_EXAMPLES)
def decisions(
    remove: Annotated[
        int | None, typer.Option("--remove", metavar="NUMBER", min=1, help="Take one back.")
    ] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Show what was allowed and blocked by hand, or take one of it back."""
    terminal = console()
    with ApiClient(data) as api:
        if remove is not None:
            done = api.ask("DELETE", f"/decisions/{remove}").json()
            if as_json:
                print_json(done)
            else:
                terminal.print(f"decision {remove} is taken back")
                warn(terminal, done)
            return
        found = api.ask("GET", "/decisions").json()["items"]
    if as_json:
        print_json(found)
        return
    if not found:
        terminal.print("nothing is decided by hand")
    for one in found:
        _show(terminal, one)


def _decide(
    action: str,
    name: str,
    client: str | None,
    length: str | None,
    below: bool,
    why: str | None,
    data: Data,
    as_json: bool,
) -> None:
    asked = {
        "action": action,
        "name": name,
        "below": below,
        "client": client,
        "seconds": None if length is None else seconds(length),
        "why": why,
    }
    with ApiClient(data) as api:
        done = api.ask("POST", "/decisions", json=asked).json()
    if as_json:
        print_json(done)
        return
    terminal = console()
    _show(terminal, done["decision"])
    warn(terminal, done)


def _show(terminal: Console, one: dict[str, Any]) -> None:
    names = f"{one['name']} and every name below" if one["below"] else one["name"]
    whom = one["client"] or "everyone"
    until = f"until {clock(one['until'])}" if one["until"] else "until it is taken back"
    style = "green" if one["action"] == "allow" else "red"
    said = f" [dim]({escape(sanitize(one['why']))})[/]" if one["why"] else ""
    terminal.print(
        f"{one['number']:>5} [{style}]{one['action']}[/] [bold]{escape(sanitize(names))}[/] for "
        f"{escape(sanitize(whom))} {until}, by {escape(sanitize(one['who']))}{said}"
    )
    if one["left_out"]:
        closed = ", ".join(one["left_out"])
        terminal.print(
            f"      [yellow]not by {escape(closed)}[/], which denies by default: name the client "
            "for that"
        )
    if not one["policies"]:
        terminal.print("      [yellow]it acts nowhere now: no policy speaks for this client[/]")

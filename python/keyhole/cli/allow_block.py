"""``keyhole allow``, ``block`` and ``decisions``: names allowed or blocked by hand."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from keyhole.cli.api_client import ApiClient
from keyhole.cli.name_argument import NameCommand
from keyhole.cli.options import DATA, JSON
from keyhole.cli.output import console, print_json, sanitize
from keyhole.cli.pause import clock, require_everywhere, seconds

ALLOW_EXAMPLES = """
[bold]Examples[/]

  keyhole allow shop.example.org                   for all clients, until it is removed

  keyhole allow example.org --below --for 1h       and every name below, for an hour

  keyhole allow shop.example.org --client client:tablet

Exit code 1: it is not in force yet, or no policy uses it.
"""

BLOCK_EXAMPLES = """
[bold]Examples[/]

  keyhole block games.example.org --below --client client:tablet --for 2h
"""

DECISIONS_EXAMPLES = """
[bold]Examples[/]

  keyhole decisions                                those in force

  keyhole decisions --remove 12
"""

Name = Annotated[str, typer.Argument(help="The name, such as example.org.")]
Client = Annotated[
    str | None,
    typer.Option(
        "--client",
        metavar="WHO",
        help="Only for: spiffe://ID, token:NAME, client:NAME, an address or a network.",
    ),
]
Length = Annotated[
    str | None,
    typer.Option(
        "--for", metavar="TIME", help="How long, such as 1h. Default: until it is removed."
    ),
]
Below = Annotated[bool, typer.Option("--below", help="Also all names below it.")]
Why = Annotated[str | None, typer.Option("--why", help="The reason, for the audit record.")]

app = typer.Typer()


@app.command("allow", cls=NameCommand, epilog=ALLOW_EXAMPLES)
def allow(
    name: Name,
    client: Client = None,
    length: Length = None,
    below: Below = False,
    why: Why = None,
    data: DATA = None,
    as_json: JSON = False,
) -> None:
    """Allow a name now. This overrides lists and rules, but not important rules.

    Without --client it does not change policies that deny by default.
    """
    _decide("allow", name, client, length, below, why, data, as_json)


@app.command("block", cls=NameCommand, epilog=BLOCK_EXAMPLES)
def block(
    name: Name,
    client: Client = None,
    length: Length = None,
    below: Below = False,
    why: Why = None,
    data: DATA = None,
    as_json: JSON = False,
) -> None:
    """Block a name now. This overrides lists and rules that allow it."""
    _decide("block", name, client, length, below, why, data, as_json)


@app.command("decisions", epilog=DECISIONS_EXAMPLES)
def decisions(
    remove: Annotated[
        int | None, typer.Option("--remove", metavar="NUMBER", min=1, help="Remove this one.")
    ] = None,
    data: DATA = None,
    as_json: JSON = False,
) -> None:
    """Show the names allowed and blocked by hand, or remove one of these decisions."""
    terminal = console()
    with ApiClient(data) as api:
        if remove is not None:
            done = api.ask("DELETE", f"/decisions/{remove}").json()
            if as_json:
                print_json(done)
            else:
                terminal.print(f"decision {remove} is removed")
            require_everywhere(done)
            return
        found = api.ask("GET", "/decisions").json()["items"]
    if as_json:
        print_json(found)
        return
    if not found:
        terminal.print("no names are allowed or blocked by hand")
    for one in found:
        _show(terminal, one)


def _decide(
    action: str,
    name: str,
    client: str | None,
    length: str | None,
    below: bool,
    why: str | None,
    data: Path | None,
    as_json: bool,
) -> None:
    request = {
        "action": action,
        "name": name,
        "below": below,
        "client": client,
        "seconds": None if length is None else seconds(length),
        "why": why,
    }
    with ApiClient(data) as api:
        done = api.ask("POST", "/decisions", json=request).json()
    if as_json:
        print_json(done)
    else:
        _show(console(), done["decision"])
    require_everywhere(done)


def _show(terminal: Console, one: dict[str, Any]) -> None:
    names = f"{one['name']} and every name below" if one["below"] else one["name"]
    clients = one["client"] or "all clients"
    if (name := one["client_name"]) and clients != f"client:{name}":
        clients = f"{name} ({clients})"
    until = f"until {clock(one['until'])}" if one["until"] else "until it is removed"
    style = "green" if one["action"] == "allow" else "red"
    reason = f" [dim]({escape(sanitize(one['why']))})[/]" if one["why"] else ""
    terminal.print(
        f"{one['number']:>5} [{style}]{one['action']}[/] [bold]{escape(sanitize(names))}[/] for "
        f"{escape(sanitize(clients))} {until}, by {escape(sanitize(one['who']))}{reason}"
    )
    if one["left_out"]:
        closed = ", ".join(one["left_out"])
        terminal.print(
            f"      [yellow]not by {escape(closed)}[/], which denies by default: give --client "
            "to change that"
        )
    if not one["policies"]:
        terminal.print("      [yellow]it has no effect now: no policy applies to this client[/]")

"""``keyhole quarantine``: clients that get no answer for a time."""

from typing import Annotated, Any

import typer
from rich.markup import escape

from keyhole.cli.api_client import ApiClient
from keyhole.cli.options import DATA, JSON, WHY
from keyhole.cli.output import console, print_json, sanitize
from keyhole.cli.pause import clock, require_everywhere, seconds

EXAMPLES = """
[bold]Examples[/]

  keyhole quarantine list                          all of them

  keyhole quarantine add token:tv --for 1d --why "names full of data below evil.example"

  keyhole quarantine lift 12 --why "machine reinstalled"

Exit code 1: it is not in force yet.
"""

Number = Annotated[int, typer.Argument(metavar="NUMBER", min=1, help="Its number.")]

app = typer.Typer(
    help="Clients that get no answer for a time.", no_args_is_help=True, epilog=EXAMPLES
)


@app.command("list")
def show(data: DATA = None, as_json: JSON = False) -> None:
    """Show the clients in quarantine: who, since when, until when, by whom and why."""
    with ApiClient(data) as api:
        found = api.ask("GET", "/quarantines").json()["items"]
    if as_json:
        print_json(found)
        return
    terminal = console()
    if not found:
        terminal.print("no client is in quarantine")
    for one in found:
        terminal.print(_line(one))


@app.command("add")
def add(
    client: Annotated[
        str,
        typer.Argument(
            metavar="WHO", help="spiffe://ID, token:NAME, client:NAME, an address or a network."
        ),
    ],
    length: Annotated[
        str, typer.Option("--for", metavar="TIME", help="How long, such as 1d; up to 90d.")
    ],
    why: Annotated[str, typer.Option("--why", help="The reason, for whoever reads it.")],
    data: DATA = None,
    as_json: JSON = False,
) -> None:
    """Refuse every query of a client for a time, whatever its policy, decisions and pauses say.

    It replaces an earlier quarantine of the client; one that ends later is to be lifted first.
    """
    request = {"client": client, "seconds": seconds(length), "why": why}
    with ApiClient(data) as api:
        done = api.ask("POST", "/quarantines", json=request).json()
    if as_json:
        print_json(done)
    else:
        console().print(_line(done["quarantine"]))
        if (whole := done["quarantine"]["client"]).endswith("/56") and "/" not in client:
            console().print(f"      {whole} is the whole network of this address")
    require_everywhere(done)


@app.command("lift")
def lift(number: Number, why: WHY = None, data: DATA = None, as_json: JSON = False) -> None:
    """End a quarantine before its time."""
    with ApiClient(data) as api:
        done = api.ask("POST", f"/quarantines/{number}/lift", json={"why": why}).json()
    if as_json:
        print_json(done)
    else:
        console().print(f"quarantine {number} is lifted")
    require_everywhere(done)


def _line(one: dict[str, Any]) -> str:
    reason = f" [dim]({escape(sanitize(one['why']))})[/]" if one["why"] else ""
    return (
        f"{one['number']:>5} [bold]{escape(sanitize(one['client']))}[/] until "
        f"{clock(one['until'])}, by {escape(sanitize(one['who']))}{reason}"
    )

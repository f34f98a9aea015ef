"""``keyhole events``: events for a SIEM and for other programs."""

import typer
from rich.markup import escape

from keyhole.cli.api_client import ApiClient
from keyhole.cli.app import FAILED
from keyhole.cli.options import DATA, JSON
from keyhole.cli.output import console, print_json, sanitize

EXAMPLES = """
[bold]Examples[/]

  keyhole events test

Exit code 0: every receiver has the event. 1: one has not, or none is named.
"""

app = typer.Typer(help="Events for a SIEM and other programs.", no_args_is_help=True)


@app.callback()
def events() -> None:
    """Events for a SIEM and other programs."""


@app.command("test", epilog=EXAMPLES)
def send_test(data: DATA = None, as_json: JSON = False) -> None:
    """Send one test event to each receiver of keyhole.yaml, and say whether it arrived.

    A syslog receiver has no answer: arrived means that its connection, over TLS
    with a checked certificate, has taken the event.
    """
    with ApiClient(data) as api:
        found = api.ask("POST", "/events/test").json()
    if as_json:
        print_json(found)
    else:
        for one in found["receivers"]:
            where = escape(sanitize(one["target"]))
            if one["is_delivered"]:
                console().print(f"[green]{where} has the test event[/]")
            else:
                console().print(f"[red]{where} has it not[/]: {escape(sanitize(one['why']))}")
    if not all(one["is_delivered"] for one in found["receivers"]):
        raise typer.Exit(FAILED)

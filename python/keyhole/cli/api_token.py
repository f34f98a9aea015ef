"""``keyhole api-token``: secrets of programs that use the API."""

from typing import Annotated
from urllib.parse import quote

import typer
from rich.markup import escape

from keyhole.cli.api_client import ApiClient
from keyhole.cli.options import DATA, JSON
from keyhole.cli.output import console, print_json, sanitize

CREATE_EXAMPLES = """
[bold]Examples[/]

  keyhole api-token create backup --role viewer

  keyhole api-token create ci --role operator --from 192.0.2.0/24 --days 90

It is sent as Authorization: Bearer SECRET, or by KEYHOLE_TOKEN.

(keyhole token is for devices that ask DNS.)
"""

app = typer.Typer(help="Secrets of programs that use the API.", no_args_is_help=True)


@app.command("create", epilog=CREATE_EXAMPLES)
def create(
    name: Annotated[str, typer.Argument(help="What it is for.", show_default=False)],
    role: Annotated[
        str,
        typer.Option("--role", "-r", help="viewer, operator or administrator.", show_default=False),
    ],
    networks: Annotated[
        list[str] | None,
        typer.Option("--from", help="A network from which it may be used; repeat for more."),
    ] = None,
    days: Annotated[int | None, typer.Option(help="When it ends by itself.")] = None,
    data: DATA = None,
    as_json: JSON = False,
) -> None:
    """Make a token and show it, once: Keyhole keeps its digest alone."""
    wanted = {"name": name, "role": role, "networks": networks or [], "days": days}
    with ApiClient(data) as api:
        made = api.ask("POST", "/tokens", json=wanted).json()
    if as_json:
        print_json(made)
        return
    console().print(f"[green]+[/] [bold]{escape(sanitize(made['secret']))}[/]")


@app.command("list")
def list_(data: DATA = None, as_json: JSON = False) -> None:
    """List the tokens; what they are is not kept."""
    with ApiClient(data) as api:
        found = api.ask("GET", "/tokens").json()["items"]
    if as_json:
        print_json(found)
        return
    for one in found:
        where = ", ".join(one["networks"]) or "anywhere"
        ends = f"ends {one['ends'][:10]}" if one["ends"] else "never ends"
        used = f"used {one['used'][:10]}" if one["used"] else "not used yet"
        rest = escape(sanitize(f"from {where}, {ends}, {used}, made by {one['made_by']}"))
        console().print(f"[bold]{escape(one['name'])}[/]  {escape(one['role'])}  [dim]{rest}[/]")
    if not found:
        console().print("none so far")


@app.command("revoke")
def revoke(
    name: Annotated[str, typer.Argument(help="Of the token that ends.")], data: DATA = None
) -> None:
    """End a token at once."""
    with ApiClient(data) as api:
        api.ask("DELETE", f"/tokens/{quote(name, safe='')}")
    console().print(f"[red]revoked[/] {escape(name)}")

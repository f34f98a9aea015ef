"""``keyhole people``: the accounts of people who use Keyhole."""

import sys
from datetime import datetime
from typing import Annotated
from urllib.parse import quote

import typer
from rich.markup import escape

from keyhole.cli.api_client import ApiClient
from keyhole.cli.options import DATA, JSON
from keyhole.cli.output import console, print_json, sanitize

ADD_EXAMPLES = """
[bold]Examples[/]

  keyhole people add anna --role operator

  keyhole people add anna@example.org --role viewer

The one-time password works once, within 24 hours.
"""
SETTING_EXAMPLES = """
[bold]Examples[/]

  keyhole people password admin                    prompts for it

  keyhole people password admin < secret.txt       without a terminal

This works only on the machine of Keyhole; elsewhere use reset.
"""

NAME = Annotated[str, typer.Argument(help="The name of the account.", show_default=False)]
ROLE = typer.Option("--role", "-r", help="viewer, operator or administrator.", show_default=False)

app = typer.Typer(
    help="Accounts of people who use Keyhole, and their sessions.", no_args_is_help=True
)


@app.command("list")
def list_(data: DATA = None, as_json: JSON = False) -> None:
    """List all accounts."""
    with ApiClient(data) as api:
        found = api.ask("GET", "/people").json()["items"]
    if as_json:
        print_json(found)
        return
    for one in found:
        marks = [
            word
            for word, holds in (
                ("disabled", one["is_disabled"]),
                ("one-time password", one["must_change_password"]),
                ("second factor", one["has_second_factor"]),
            )
            if holds
        ]
        last = f"last login {_time(one['last_login'])}" if one["last_login"] else "never logged in"
        rest = ", ".join([last, *marks])
        console().print(f"[bold]{_safe(one['name'])}[/]  {_safe(one['role'])}  [dim]{rest}[/]")


@app.command("add", epilog=ADD_EXAMPLES)
def add(name: NAME, role: Annotated[str, ROLE], data: DATA = None, as_json: JSON = False) -> None:
    """Create an account, and show its one-time password."""
    with ApiClient(data) as api:
        made = api.ask("POST", "/people", json={"name": name, "role": role}).json()
    _show_password(made, as_json)


@app.command("role")
def role(
    name: NAME,
    role: Annotated[str, typer.Argument(help="viewer, operator or administrator.")],
    data: DATA = None,
) -> None:
    """Change the role of an account, from the next request on."""
    with ApiClient(data) as api:
        now = api.ask("PATCH", f"/people/{_path(name)}", json={"role": role}).json()
    console().print(f"[green]+[/] {_safe(now['name'])} is {_safe(now['role'])}")


@app.command("reset")
def reset(
    name: NAME,
    second_factor: Annotated[
        bool,
        typer.Option("--second-factor", help="Also remove the second factor."),
    ] = False,
    data: DATA = None,
    as_json: JSON = False,
) -> None:
    """Set a new one-time password; end the sessions, and reset failed logins."""
    with ApiClient(data) as api:
        request = {"second_factor": second_factor}
        made = api.ask("POST", f"/people/{_path(name)}/reset", json=request).json()
        _show_password(made, as_json)
        if not as_json:
            _show_tokens(api, name)


@app.command("link")
def link(name: NAME, data: DATA = None, as_json: JSON = False) -> None:
    """Show a link that signs in once, in place of the password. Only on the machine of Keyhole."""
    with ApiClient(data) as api:
        made = api.ask("POST", f"/people/{_path(name)}/link").json()
    if as_json:
        print_json(made)
        return
    console().print(
        f"[green]+[/] {_safe(made['name'])} signs in once at [bold]{_safe(made['url'])}[/]"
    )
    console().print(f"  within {made['seconds'] // 60} minutes; a second factor is still needed")


@app.command("password", epilog=SETTING_EXAMPLES)
def password(name: NAME, data: DATA = None) -> None:
    """Set a password, read from the terminal or standard input."""
    if sys.stdin.isatty():
        chosen = typer.prompt("New password", hide_input=True, confirmation_prompt=True)
    else:
        chosen = sys.stdin.readline().rstrip("\r\n")
    with ApiClient(data) as api:
        api.ask("PUT", f"/people/{_path(name)}/password", json={"password": chosen})
        console().print(f"[green]+[/] {escape(name)} has a new password; all sessions ended")
        _show_tokens(api, name)


@app.command("disable")
def disable(name: NAME, data: DATA = None) -> None:
    """Disable an account: end its sessions, and refuse the tokens that it created."""
    with ApiClient(data) as api:
        api.ask("PATCH", f"/people/{_path(name)}", json={"is_disabled": True})
    console().print(f"[red]disabled[/] {escape(name)}")


@app.command("enable")
def enable(name: NAME, data: DATA = None) -> None:
    """Enable an account again."""
    with ApiClient(data) as api:
        api.ask("PATCH", f"/people/{_path(name)}", json={"is_disabled": False})
    console().print(f"[green]enabled[/] {escape(name)}")


@app.command("remove")
def remove(name: NAME, data: DATA = None) -> None:
    """Remove an account, its sessions, and the tokens that it created."""
    with ApiClient(data) as api:
        api.ask("DELETE", f"/people/{_path(name)}")
    console().print(f"[red]removed[/] {escape(name)}")


@app.command("sessions")
def sessions(data: DATA = None, as_json: JSON = False) -> None:
    """List the sessions: who is logged in, from where, and since when."""
    with ApiClient(data) as api:
        found = api.ask("GET", "/sessions", params={"everybody": True}).json()["items"]
    if as_json:
        print_json(found)
        return
    for one in found:
        seen = f"since {_time(one['created'])}, seen {_time(one['seen'])}"
        what = f"[bold]{_safe(one['id'])}[/]  {_safe(one['name'])}  {_safe(one['address'])}"
        console().print(f"{what}  [dim]{seen}  {_safe(one['agent'])}[/]")
    if not found:
        console().print("nobody is logged in")


@app.command("end-session")
def end_session(
    session: Annotated[str, typer.Argument(help="Its id, from people sessions.")], data: DATA = None
) -> None:
    """End a session at once."""
    with ApiClient(data) as api:
        api.ask("DELETE", f"/sessions/{_path(session)}")
    console().print(f"[red]ended[/] {escape(session)}")


def _show_password(made: dict[str, str], as_json: bool) -> None:
    if as_json:
        print_json(made)
        return
    name = _safe(made["name"])
    console().print(f"[green]+[/] {name} logs in once with [bold]{_safe(made['password'])}[/]")
    console().print("  within 24 hours, and must then choose a password")


def _show_tokens(api: ApiClient, name: str) -> None:
    """Tokens outlive the sessions, also those that a thief of a session has made."""
    found = api.ask("GET", "/tokens").json()["items"]
    if made := [_safe(one["name"]) for one in found if one["made_by"] == name]:
        console().print(f"  API tokens made by {_safe(name)} still work: {', '.join(made)}")
        console().print("  keyhole api-token revoke NAME ends one")


def _safe(text: str) -> str:
    return escape(sanitize(text))


def _path(name: str) -> str:
    return quote(name, safe="")


def _time(written: str) -> str:
    return f"{datetime.fromisoformat(written):%Y-%m-%d %H:%M} UTC"

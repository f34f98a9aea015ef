"""``keyhole lists enable`` and ``disable``: which policies use which lists."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from keyhole.cli.api_client import ApiClient
from keyhole.cli.app import FAILED
from keyhole.cli.apply import show_done
from keyhole.cli.options import DATA, JSON, WHY
from keyhole.cli.output import console, errors_console, print_json, sanitize

ENABLE_EXAMPLES = """
[bold]Examples[/]

  keyhole lists enable stevenblack

  keyhole lists enable oisd-small hagezi-tif --policy kids

  keyhole lists enable school --url https://lists.example.org/school.txt

Exit code 0: a policy in force uses them. 1: it was refused, or none does.
"""

DISABLE_EXAMPLES = """
[bold]Examples[/]

  keyhole lists disable stevenblack

  keyhole lists disable hagezi-tif --policy kids

Exit code 0: they are not used any more. 1: it was refused.
"""

Names = Annotated[list[str], typer.Argument(metavar="NAME...", help="Names of lists.")]


def enable(
    names: Annotated[
        list[str],
        typer.Argument(metavar="NAME...", help="Names of the catalog, or of List documents."),
    ],
    policy: Annotated[
        str | None, typer.Option("--policy", help="Default: the policy for all clients.")
    ] = None,
    url: Annotated[
        str | None, typer.Option("--url", help="Where a list of your own is downloaded from.")
    ] = None,
    why: WHY = None,
    data: DATA = None,
    as_json: JSON = False,
) -> None:
    """Have a policy use lists. They are downloaded, and block as soon as they are compiled.

    What a file decides no command changes: then this says which line to write, and
    exits with 1.
    """
    request = {"names": names, "policy": policy, "url": url, "message": why}
    done = _ask(data, "enable", request)
    _show(done, as_json=as_json)
    unused = [one["name"] for one in done["lists"] if not one["policies"]]
    if unused:
        why_not = "no client has a policy that uses it; give subjects to one"
        errors_console().print(f"[bold red]error:[/] {escape(', '.join(unused))}: {why_not}")
        raise typer.Exit(FAILED)


def disable(
    names: Names,
    policy: Annotated[
        str | None, typer.Option("--policy", help="Only this one. Default: all policies.")
    ] = None,
    why: WHY = None,
    data: DATA = None,
    as_json: JSON = False,
) -> None:
    """Have policies use lists no more. A list that nothing uses then is deleted, and keyhole
    rollback restores it."""
    request = {"names": names, "policy": policy, "message": why}
    _show(_ask(data, "disable", request), as_json=as_json)


def _ask(data: Path | None, what: str, request: dict[str, Any]) -> dict[str, Any]:
    with ApiClient(data) as api:
        done: dict[str, Any] = api.ask("POST", f"/lists/{what}", json=request).json()
    return done


def _show(done: dict[str, Any], *, as_json: bool) -> None:
    """What was changed, and who uses the lists; exits with 1 if it is not in force yet."""
    if as_json:
        print_json(done)
        if not done["applied"]["is_in_force"]:
            raise typer.Exit(FAILED)
        return
    show_done(done["applied"], as_json=False)
    terminal = console()
    for one in done["lists"]:
        name, users = escape(one["name"]), escape(", ".join(one["policies"]))
        state = f", {one['state']}" if one["state"] and users else ""
        terminal.print(f"[bold]{name}[/]: used by {users or 'no policy'}{state}")
        if users and one["state"] != "in force":
            why = escape(sanitize(one["why"])) or "it acts once it is compiled"
            terminal.print(f"  [dim]{why}; keyhole lists status {name} shows how far it is[/]")

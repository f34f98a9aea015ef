"""``keyhole delete`` and ``keyhole rollback``: take documents back."""

from typing import Annotated, Any

import typer

from keyhole.cli.api_client import ApiClient
from keyhole.cli.apply import AsJson, Data, show_done
from keyhole.cli.get import kind_of
from keyhole.control.error import ControlError

DELETE_EXAMPLES = """
[bold]Examples[/]

  keyhole delete policy shop

Its versions stay: keyhole rollback policy shop brings it back.
"""

ROLLBACK_EXAMPLES = """
[bold]Examples[/]

  keyhole rollback policy shop          to the version before

  keyhole rollback policy shop --to 3

  keyhole rollback --change 17          a whole change, as keyhole audit numbers it
"""

Message = Annotated[str | None, typer.Option("--message", "-m", help="Why, for the audit record.")]

app = typer.Typer()


@app.command("delete", epilog=DELETE_EXAMPLES)
def delete(
    kind: Annotated[str, typer.Argument(help="Such as policy.")],
    name: Annotated[str, typer.Argument(help="Its name.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check only.")] = False,
    message: Message = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Delete a stored document of a running Keyhole."""
    params: dict[str, Any] = {"dry_run": dry_run}
    if message is not None:
        params["message"] = message
    with ApiClient(data) as api:
        path = f"/documents/{kind_of(kind)}/{name}"
        done = api.ask("DELETE", path, params=params, headers={"if-match": "*"}).json()
    show_done(done, as_json=as_json, is_dry=dry_run)


@app.command("rollback", epilog=ROLLBACK_EXAMPLES)
def rollback(
    kind: Annotated[str | None, typer.Argument(help="Such as policy.")] = None,
    name: Annotated[str | None, typer.Argument(help="Its name.")] = None,
    to: Annotated[
        int | None, typer.Option("--to", min=0, help="The version; by default the one before.")
    ] = None,
    change: Annotated[
        int | None, typer.Option("--change", min=1, help="Undo this whole change instead.")
    ] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Bring back what was there before. That is a change as well: nothing is lost by it."""
    if (change is None) == (kind is None or name is None):
        raise ControlError("say what: keyhole rollback KIND NAME, or keyhole rollback --change N")
    with ApiClient(data) as api:
        if change is not None:
            done = api.ask("POST", f"/changes/{change}/undo").json()
        else:
            path = f"/documents/{kind_of(kind)}/{name}/rollback"
            done = api.ask("POST", path, json={"to": to}).json()
    show_done(done, as_json=as_json)

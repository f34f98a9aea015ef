"""``keyhole get`` and ``keyhole export``: look at documents."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.markup import escape
from rich.table import Table

from keyhole.cli.api_client import ApiClient
from keyhole.cli.apply import Data
from keyhole.cli.output import console, print_json, sanitize
from keyhole.control.error import ControlError

GET_EXAMPLES = """
[bold]Examples[/]

  keyhole get                           every document

  keyhole get policies

  keyhole get policy shop -o yaml       as it was written, to be edited and applied again

  keyhole get policy shop --history
"""

EXPORT_EXAMPLES = """
[bold]Examples[/]

  keyhole export documents.yaml         what keyhole apply -f takes again

  keyhole export --declared             also what files declare
"""

Output = Literal["table", "yaml", "json", "name"]

app = typer.Typer()


@app.command("get", epilog=GET_EXAMPLES)
def get(
    kind: Annotated[str | None, typer.Argument(help="Such as policy or lists.")] = None,
    name: Annotated[str | None, typer.Argument(help="Its name.")] = None,
    output: Annotated[
        Output, typer.Option("--output", "-o", help="table, yaml, json or name.")
    ] = "table",
    version: Annotated[
        int | None, typer.Option("--version", min=1, help="As it was in this version.")
    ] = None,
    history: Annotated[bool, typer.Option("--history", help="All its versions.")] = False,
    data: Data = None,
) -> None:
    """Show the documents of a running Keyhole, and where each comes from."""
    read_kind = kind_of(kind)
    if (history or version) and name is None:
        raise ControlError("say of which document: keyhole get KIND NAME --history")
    with ApiClient(data) as api:
        if history or version:
            _show_versions(api, f"{read_kind}/{name}", version, output)
            return
        found = (
            [api.ask("GET", f"/documents/{read_kind}/{name}").json()]
            if name
            else list(_all(api, {"kind": read_kind}))
        )
    _show(found, output)


@app.command("export", epilog=EXPORT_EXAMPLES)
def export(
    file: Annotated[
        Path | None, typer.Argument(help="Where to write; standard output by default.")
    ] = None,
    declared: Annotated[
        bool, typer.Option("--declared", help="Also the documents that files declare.")
    ] = False,
    data: Data = None,
) -> None:
    """Write all documents as one YAML stream, comments included; keyhole apply takes it again."""
    with ApiClient(data) as api:
        query = {"origin": None if declared else "stored"}
        texts = [one["text"] for one in _all(api, query) if not one["is_shadowed"]]
    text = "---\n".join(texts)
    if file is None:
        print(text, end="")
        return
    file.write_text(text, encoding="utf-8")
    console().print(f"wrote {len(texts)} documents to {escape(str(file))}")


def kind_of(word: str | None) -> str | None:
    """The kind that a person means; raises ``ControlError`` where there is none."""
    if word is None:
        return None
    from keyhole.control.changes import find_kind
    from keyhole.model.document import KINDS

    kind = find_kind(word)
    if kind is None:
        raise ControlError(f"there is no kind {word}; kinds are {', '.join(KINDS)}")
    return kind


def _all(api: ApiClient, query: dict[str, str | None]) -> Iterator[dict[str, Any]]:
    cursor: str | None = None
    while True:
        given = {**query, "cursor": cursor, "limit": "1000"}
        params = {key: value for key, value in given.items() if value is not None}
        page = api.ask("GET", "/documents", params=params).json()
        yield from page["items"]
        cursor = page["next"]
        if cursor is None:
            return


def _show(found: list[dict[str, Any]], output: Output) -> None:
    if output == "json":
        print_json(found)
    elif output == "yaml":
        from keyhole.control.changes import with_version

        texts = [
            with_version(one["text"], one["version"]) if one["version"] else one["text"]
            for one in found
        ]
        print("---\n".join(texts), end="")
    elif output == "name":
        for one in found:
            print(f"{one['kind']}/{one['name']}")
    else:
        table = Table(box=None, pad_edge=False)
        for column in ("kind", "name", "version", "from"):
            table.add_column(column, style="dim" if column == "from" else "")
        for one in found:
            place = one["file"] or ("shadowed by a file" if one["is_shadowed"] else "stored")
            version = str(one["version"] or "")
            table.add_row(one["kind"], escape(one["name"]), version, escape(sanitize(place)))
        console().print(table)


def _show_versions(api: ApiClient, label: str, version: int | None, output: Output) -> None:
    found = api.ask("GET", f"/documents/{label}/versions").json()["items"]
    if version is not None:
        one = next((one for one in found if one["version"] == version), None)
        if one is None:
            raise ControlError(f"{label} has no version {version}; there are 1 to {len(found)}")
        print(one["text"], end="")
    elif output == "json":
        print_json(found)
    else:
        terminal = console()
        for one in found:
            what = "deleted" if one["is_deleted"] else f"{len(one['text'].splitlines())} lines"
            terminal.print(f"version {one['version']}  [dim]change {one['change']}, {what}[/]")

"""``keyhole apply`` and ``keyhole diff``: change documents, or show what a change would do."""

import difflib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from keyhole.cli.api_client import ApiClient, ApiError
from keyhole.cli.app import FAILED
from keyhole.cli.options import DATA, JSON
from keyhole.cli.output import console, errors_console, print_json, sanitize
from keyhole.control.error import ControlError

APPLY_EXAMPLES = """
[bold]Examples[/]

  keyhole apply -f policy.yaml

  keyhole apply -f ./documents --dry-run

  keyhole get policy shop -o yaml | sed s/old/new/ | keyhole apply -f -

Exit code 0: all of it is in force. 1: it was refused, or is not in force yet.
"""

DIFF_EXAMPLES = """
[bold]Examples[/]

  keyhole diff                          documents in the folder that are not in force

  keyhole diff -f policy.yaml           what applying it would change

Exit code 0: no difference. 1: there is one, and it is shown.
"""

Files = Annotated[
    list[Path],
    typer.Option("--filename", "-f", help="A file or folder of documents; - is standard input."),
]
_SIGNS = {"created": "[green]+[/]", "changed": "[yellow]~[/]", "deleted": "[red]-[/]"}

app = typer.Typer()


@app.command("apply", epilog=APPLY_EXAMPLES)
def apply(
    files: Files,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check only.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite changes made since you read it.")
    ] = False,
    message: Annotated[
        str | None, typer.Option("--message", "-m", help="The reason, for the audit record.")
    ] = None,
    data: DATA = None,
    as_json: JSON = False,
) -> None:
    """Create and change documents of a running Keyhole: all of them, or none.

    An invalid document changes nothing and is reported with its line. A document
    from keyhole get contains its version; if it was changed since then, yours
    is refused.
    """
    name, text = read_files(files)
    with ApiClient(data) as api:
        request = {
            "text": text,
            "file": name,
            "overwrite": force,
            "message": message,
            "is_dry_run": dry_run,
        }
        done = api.ask("POST", "/documents", json=request).json()
    show_done(done, as_json=as_json, is_dry=dry_run)


@app.command("diff", epilog=DIFF_EXAMPLES)
def diff(
    files: Annotated[
        list[Path] | None,
        typer.Option("--filename", "-f", help="Documents to compare."),
    ] = None,
    data: DATA = None,
    as_json: JSON = False,
) -> None:
    """Show what applying files would change. Without files, show the drift: documents in the folder
    that are not in force."""
    with ApiClient(data) as api:
        if not files:
            _show_drift(api.ask("GET", "/documents/drift").json(), as_json=as_json)
            return
        name, text = read_files(files)
        request = {"text": text, "file": name, "overwrite": True, "is_dry_run": True}
        done = api.ask("POST", "/documents", json=request).json()
        changed = [one for one in done["effects"] if one["what"] != "unchanged"]
        if as_json:
            print_json(done)
        else:
            from keyhole.config.yaml_stream import split_stream

            new = {_heading(part.text): part.text for part in split_stream(text)}
            for effect in changed:
                _show_difference(api, effect, new)
    if changed:
        raise typer.Exit(FAILED)


def read_files(files: list[Path]) -> tuple[str, str]:
    """All documents in one stream, and its name for messages. Raises ``ControlError``."""
    from keyhole.config.files import MAX_FILE

    # A file may be given by itself and in its folder, or by a link.
    found = list({one.resolve(): one for file in files for one in _expand(file)}.values())
    if not found:
        raise ControlError("there is no .yaml or .yml file in it")
    texts = []
    for file in found:
        if str(file) == "-":
            texts.append(sys.stdin.read(MAX_FILE * 8 + 1))
            continue
        try:
            texts.append(file.read_text(encoding="utf-8-sig"))
        except UnicodeDecodeError:
            raise ControlError(f"{file} is not UTF-8; save it as UTF-8") from None
    name = str(found[0]) if len(found) == 1 else "the files together"
    return name, "\n---\n".join(texts)


def _expand(file: Path) -> Iterator[Path]:
    from keyhole.config.files import EXTENSIONS

    if not file.is_dir():
        yield file
        return
    for one in sorted(file.rglob("*")):
        if one.suffix in EXTENSIONS and one.is_file() and not one.name.startswith("."):
            yield one


def show_done(done: dict[str, Any], *, as_json: bool, is_dry: bool = False) -> None:
    """Prints what a change did to each document; exits with 1 if it is not in force yet."""
    if as_json:
        print_json(done)
    else:
        terminal = console()
        for effect in done["effects"]:
            sign = _SIGNS.get(effect["what"], "[dim]=[/]")
            what = f"{effect['what']}, version {effect['version']}"
            terminal.print(f"{sign} {effect['kind']}/{escape(effect['name'])} [dim]{what}[/]")
        for advice in done["advice"]:
            terminal.print(f"[yellow]![/] {escape(sanitize(advice))}")
        if is_dry:
            terminal.print("[dim]nothing was changed: this was a dry run[/]")
        elif done["change"] is not None and done["is_in_force"]:
            terminal.print(f"[green]change {done['change']} is in force[/]")
    if not done["is_in_force"]:
        errors_console().print(
            f"[bold red]error:[/] change {done['change']} is stored, but not in force yet: "
            f"{escape(sanitize(done['why']))}"
        )
        raise typer.Exit(FAILED)


def _heading(text: str) -> tuple[str, str]:
    """Kind and name of a valid document."""
    from keyhole.config.documents import read_text_documents

    documents, _ = read_text_documents(text, "", Path())
    return (documents.headings[0].kind, documents.headings[0].name)


def _show_difference(
    api: ApiClient, effect: dict[str, Any], new: dict[tuple[str, str], str]
) -> None:
    kind, name = effect["kind"], effect["name"]
    before = ""
    if effect["what"] != "created":
        before = _text_of(api, kind, name)
    after = new.get((kind, name), "")
    lines = difflib.unified_diff(
        before.splitlines(),
        after.splitlines(),
        f"{kind}/{name} now",
        f"{kind}/{name} then",
        lineterm="",
    )
    terminal = console()
    for line in lines:
        style = {"+": "green", "-": "red", "@": "cyan"}.get(line[0], "")
        shown = escape(sanitize(line))
        terminal.print(f"[{style}]{shown}[/]" if style else shown)


def _text_of(api: ApiClient, kind: str, name: str) -> str:
    try:
        text: str = api.ask("GET", f"/documents/{kind}/{name}").json()["text"]
    except ApiError as error:
        if error.status != 404:
            raise
        return ""
    return text


def _show_drift(drift: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(drift)
    else:
        terminal = console()
        for problem in drift["problems"]:
            place, why = sanitize(problem["place"]), sanitize(problem["why"])
            terminal.print(f"[red]x[/] {escape(place)}: {escape(why)}")
        for label in drift["shadowed"]:
            why = "stored, but a file declares it too, and the file has precedence"
            terminal.print(f"[yellow]![/] {escape(label)}: {why}")
        if not (drift["problems"] or drift["shadowed"]):
            terminal.print("all documents of the folder are in force")
    if drift["problems"] or drift["shadowed"]:
        raise typer.Exit(FAILED)

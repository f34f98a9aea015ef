"""``keyhole import``: documents from the settings of another product."""

import enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from keyhole.cli.options import JSON
from keyhole.cli.output import console, print_json, sanitize

if TYPE_CHECKING:
    from keyhole.control.import_settings import ImportResult

EXAMPLES = """
[bold]Examples[/]

  keyhole import pihole teleporter.zip --dry-run        report, and write nothing

  keyhole import pihole teleporter.zip --out documents

  keyhole import adguard AdGuardHome.yaml --json        every item, for a program

Exit code 0: the documents are written (or could be). 1: the file is not of that product,

nothing in it could be imported, or the folder exists. 3: the result would not be valid.
"""

_MAX_SHOWN = 40
"""Items of one kind and disposition on the terminal; all are in import.json and --json."""
_STYLES = {"changed": "yellow", "left": "red"}


class Product(enum.StrEnum):
    """The product that wrote the file."""

    PIHOLE = "pihole"
    ADGUARD = "adguard"
    BLOCKY = "blocky"
    TECHNITIUM = "technitium"


app = typer.Typer()


@app.command("import", epilog=EXAMPLES)
def import_(
    product: Annotated[
        Product, typer.Argument(metavar="PRODUCT", help="pihole, adguard, blocky or technitium.")
    ],
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="Pi-hole: teleporter archive or gravity.db. AdGuard Home: AdGuardHome.yaml. "
            "blocky: config.yml. Technitium: the backup zip.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="New folder. Default: PRODUCT-documents in this folder."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Report, and write nothing.")] = False,
    force: Annotated[
        bool,
        typer.Option("--force", help="Replace the folder; the old one is renamed."),
    ] = False,
    as_json: JSON = False,
) -> None:
    """Convert the settings of another product to documents, and report each item.

    Settings with the same meaning are taken. Settings with another meaning
    are changed, and the report says how. The rest is left, with the reason.
    Unencrypted upstreams are always left.
    """
    from keyhole.control.import_settings import import_file

    folder = None if dry_run else out or Path(f"{product.value}-documents")
    done = import_file(product.value, file, folder, replace_folder=force)
    if as_json:
        print_json(as_document(done))
    else:
        show(console(), done)


def as_document(done: "ImportResult") -> dict[str, Any]:
    """The whole result, for a program."""
    return {
        "product": done.product,
        "folder": str(done.folder) if done.folder else None,
        "files": sorted(done.files),
        "lacks_upstream": done.lacks_upstream,
        "advice": [str(problem) for problem in done.advice],
        **done.report.document(),
    }


def show(terminal: Console, done: "ImportResult") -> None:
    """Prints the changed items, those left, then the sums."""
    from keyhole.importers import Disposition

    for disposition in (Disposition.CHANGED, Disposition.LEFT):
        _show_items(terminal, done, disposition)
    for kind, counts in done.report.counts().items():
        sums = ", ".join(
            f"{count:,} {disposition}" for disposition, count in counts.items() if count
        )
        terminal.print(f"[bold]{kind}[/]: {sums}")
    for problem in done.advice:
        terminal.print(f"[yellow]advice[/] {escape(sanitize(str(problem)))}")
    if done.lacks_upstream:
        terminal.print(
            "[bold red]no upstream yet:[/] none was encrypted; add one before Keyhole can answer. "
            "upstreams.yaml has one to uncomment if its operator is known"
        )
    if done.backup is not None:
        terminal.print(f"the old folder is now {escape(str(done.backup))}")
    if done.folder is None:
        terminal.print("nothing was written; omit --dry-run to write")
    else:
        terminal.print(f"[green]written[/]: {escape(str(done.folder))}, {len(done.files)} files")


def _show_items(terminal: Console, done: "ImportResult", disposition: str) -> None:
    items = [item for item in done.report.sorted() if item.disposition == disposition]
    for kind in dict.fromkeys(item.kind for item in items):
        some = [item for item in items if item.kind is kind]
        for item in some[:_MAX_SHOWN]:
            name, why = escape(sanitize(item.name[:120])), escape(sanitize(item.why))
            terminal.print(
                f"[{_STYLES[disposition]}]{disposition}[/] {kind} [bold]{name}[/]: {why}"
            )
        if len(some) > _MAX_SHOWN:
            terminal.print(f"and {len(some) - _MAX_SHOWN:,} more of kind {kind}; --json shows all")

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
    from keyhole.importers import Item, Report

EXAMPLES = """
[bold]Examples[/]

  keyhole import pihole teleporter.zip --dry-run        report, and write nothing

  keyhole import pihole teleporter.zip --out documents

  keyhole import adguard AdGuardHome.yaml --json        every item, for a program

Exit code 0: the documents are written (or could be), and the report tells what was left. 1: the

file is not of that product, nothing in it could be imported, or the folder exists.
"""

_MAX_SHOWN = 40
"""Items of one kind and disposition on the terminal; all are in import.json and --json."""
_MAX_TOGETHER = 8
"""Names on one line."""
_STYLES = {"changed": "yellow", "left": "red"}


class Product(enum.StrEnum):
    """The product that wrote the file."""

    PIHOLE = "pihole"
    ADGUARD = "adguard"
    BLOCKY = "blocky"
    TECHNITIUM = "technitium"
    DNSMASQ = "dnsmasq"
    UNBOUND = "unbound"


app = typer.Typer()


@app.command("import", epilog=EXAMPLES)
def import_(
    product: Annotated[
        Product,
        typer.Argument(
            metavar="PRODUCT",
            help="pihole, adguard, blocky, technitium, dnsmasq or unbound.",
        ),
    ],
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="Pi-hole: teleporter archive, /etc/pihole, pihole.toml or gravity.db. AdGuard "
            "Home: AdGuardHome.yaml. blocky: config.yml. Technitium: the backup zip. dnsmasq: "
            "dnsmasq.conf, or the folder with it and dnsmasq.d. Unbound: unbound.conf, or the "
            "folder with it and unbound.conf.d.",
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
    from keyhole.control.import_settings import NothingTakenError, import_file

    folder = None if dry_run else out or Path(f"{product.value}-documents")
    try:
        done = import_file(product.value, file, folder, replace_folder=force)
    except NothingTakenError as error:
        if as_json:
            print_json({"product": product.value, "folder": None, **error.report.document()})
        else:
            show_items(console(), error.report)
        raise
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
    show_items(terminal, done.report)
    for kind, counts in done.report.counts().items():
        sums = ", ".join(
            f"{count:,} {disposition}" for disposition, count in counts.items() if count
        )
        terminal.print(f"[bold]{kind}[/]: {sums}")
    for problem in done.advice:
        terminal.print(f"[yellow]advice[/] {escape(sanitize(str(problem)))}")
    if done.lacks_upstream:
        terminal.print(
            "[bold red]no upstream yet:[/] none could be taken; add one before Keyhole can answer. "
            "upstreams.yaml has one to uncomment if its operator is known"
        )
    if done.backup is not None:
        terminal.print(f"the old folder is now {escape(str(done.backup))}")
    if done.folder is None:
        terminal.print("nothing was written; omit --dry-run to write")
    else:
        terminal.print(f"[green]written[/]: {escape(str(done.folder))}, {len(done.files)} files")


def show_items(terminal: Console, report: "Report") -> None:
    """Prints the changed items and those left; settings with one reason share a line."""
    from keyhole.importers import Disposition

    for disposition in (Disposition.CHANGED, Disposition.LEFT):
        items = [item for item in report.sorted() if item.disposition is disposition]
        for kind in dict.fromkeys(item.kind for item in items):
            _show_kind(terminal, [item for item in items if item.kind is kind])


def _show_kind(terminal: Console, items: "list[Item]") -> None:
    by_reason: dict[tuple[str, str], list[Item]] = {}
    for item in items:
        # Only settings are alike enough to be told together.
        key = "" if item.kind == "setting" else item.name
        by_reason.setdefault((key, item.why), []).append(item)
    for (_, why), alike in list(by_reason.items())[:_MAX_SHOWN]:
        names = ", ".join(_named(item) for item in alike[:_MAX_TOGETHER])
        if len(alike) > _MAX_TOGETHER:
            names += f" and {len(alike) - _MAX_TOGETHER:,} more"
        first = alike[0]
        head = f"[{_STYLES[first.disposition]}]{first.disposition}[/] {first.kind}"
        terminal.print(f"{head} [bold]{escape(names)}[/]: {escape(sanitize(why))}")
    if len(by_reason) > _MAX_SHOWN:
        more = len(by_reason) - _MAX_SHOWN
        terminal.print(f"and {more:,} more of kind {items[0].kind}; --json shows all")


def _named(item: "Item") -> str:
    """The name of an item, and its line, or the row of a table, which has no line."""
    place = ""
    if item.place and item.place.line:
        place = f" (line {item.place.line})"
    elif item.place and item.place.path not in ("", item.name):
        place = f" ({sanitize(item.place.path[:120])})"
    return sanitize(item.name[:120]) + place

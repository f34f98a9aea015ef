"""``keyhole lists``: block and allow lists: status, download, compiling and search."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from keyhole.cli import list_status, list_use
from keyhole.cli.app import FAILED
from keyhole.cli.name_argument import NameCommand
from keyhole.cli.options import DATA, JSON
from keyhole.cli.output import console, print_json
from keyhole.control.data_folder import DataFolder, default_data_folder

COMPILE_EXAMPLES = """
[bold]Examples[/]

  keyhole lists compile                     the lists of the data folder

  keyhole lists compile ads.txt hosts       any files, with detection of the format

Exit code 0: compiled. 1: no entry was valid. 3: documents are not valid.
"""

SEARCH_EXAMPLES = """
[bold]Examples[/]

  keyhole lists search tracker.example.net

Exit code 0: an entry matches the name. 1: none does.
"""

app = typer.Typer(
    help="Block and allow lists: status, download, compiling, search.", no_args_is_help=True
)
app.command("status", epilog=list_status.STATUS_EXAMPLES)(list_status.status)
app.command("refresh", epilog=list_status.REFRESH_EXAMPLES)(list_status.refresh)
app.command("catalog")(list_status.catalog)
app.command("enable", epilog=list_use.ENABLE_EXAMPLES)(list_use.enable)
app.command("disable", epilog=list_use.DISABLE_EXAMPLES)(list_use.disable)


@app.command("compile", epilog=COMPILE_EXAMPLES)
def compile_lists(
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[FILE]...", help="Default: the lists of the data folder."),
    ] = None,
    data: DATA = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the compiled list to this file.")
    ] = None,
    form: Annotated[
        str,
        typer.Option(
            "--format", help="auto, hosts, domains, wildcard, adblock, dnsmasq, unbound or rpz."
        ),
    ] = "auto",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the whole report as JSON.")
    ] = False,
) -> None:
    """Compile lists, and report entries and skipped lines, with line number and reason."""
    from keyhole.control.lists import compile_files, compile_folder

    if files:
        report = compile_files(files, form, output)
    else:
        report = compile_folder(DataFolder(data or default_data_folder()))
    if as_json:
        print_json(report)
    else:
        _show_report(report)
    if not any(one["taken"] for one in report["lists"]):
        raise typer.Exit(FAILED)


@app.command("search", cls=NameCommand, epilog=SEARCH_EXAMPLES)
def search_lists(
    name: Annotated[str, typer.Argument(help="The name to search.")],
    data: DATA = None,
    as_json: JSON = False,
) -> None:
    """Find all entries of the lists in use that match a name, with file and line."""
    from keyhole.control.lists import search_name

    found = search_name(DataFolder(data or default_data_folder()), name)
    if as_json:
        print_json(found)
    else:
        terminal = console()
        for hit in found["hits"]:
            style = "red" if hit["action"] == "block" else "green"
            important = ", important" if hit["important"] else ""
            place = f"list {hit['list']}, {hit['file']}:{hit['line']}{important}"
            terminal.print(
                f"[{style}]{hit['action']}[/] {escape(hit['pattern'])}  [dim]{escape(place)}[/]"
            )
        if not found["hits"]:
            terminal.print(f"no list has an entry for {escape(name)}")
    if not found["hits"]:
        raise typer.Exit(FAILED)


def _show_report(report: dict[str, Any]) -> None:
    from keyhole.lists import lost_lines
    from keyhole.lists.core_protocol import ListReport

    terminal = console()
    for one in report["lists"]:
        if lost := lost_lines(ListReport.model_validate(one)):
            terminal.print(f"[yellow]![/] {escape(one['name'])}: {escape(lost)}")
        skipped = one["skipped"]
        terminal.print(
            f"[bold]{escape(one['name'])}[/]: {one['taken']} entries taken, "
            f"{one['duplicates']} duplicates, {skipped['count']} skipped"
        )
        if spared := one.get("spared"):
            terminal.print(f"  [dim]{spared} spare a name that serves Keyhole itself[/]")
        for reason, count in skipped["by_reason"].items():
            terminal.print(f"  [yellow]{count}[/] {escape(reason)}")
        for example in skipped["examples"]:
            place = escape(f"{example['file']}:{example['line']}")
            terminal.print(
                f"    {place}  [dim]{escape(example['text'])}[/]  {escape(example['reason'])}"
            )
    terminal.print(f"{report['names']} names in {report['octets'] / 2**20:.1f} MiB")

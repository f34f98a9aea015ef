"""``keyhole evidence``: what happened, in a form that an auditor can check."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from keyhole.cli.api_client import ApiClient
from keyhole.cli.app import FAILED, USAGE
from keyhole.cli.options import DATA, JSON
from keyhole.cli.output import console, errors_console, print_json, sanitize, show_error

if TYPE_CHECKING:
    from keyhole.evidence.check import Report

EXAMPLES = """
[bold]Examples[/]

  keyhole evidence export december.tar.gz --from 2026-12-01 --to 2027-01-01
"""
CHECK_EXAMPLES = """
[bold]Examples[/]

  keyhole evidence check december.tar.gz

  keyhole evidence check december.tar.gz --head DIGEST     as the SIEM was told

Exit code 0: nothing was changed. 1: something was changed, is missing, out of

order or cut off. 2: the file is no export of evidence, or cannot be read.
"""
_SECONDS = 3_600.0
_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
_MAX_NOTES = 20

app = typer.Typer(help="Evidence for an auditor.", no_args_is_help=True)


@app.callback()
def evidence() -> None:
    """Evidence for an auditor."""


@app.command("head")
def head(data: DATA = None, as_json: JSON = False) -> None:
    """Show the last record of the evidence chain. A copy of its digest, kept
    elsewhere, proves later that nothing before it was changed."""
    with ApiClient(data) as api:
        found = api.ask("GET", "/evidence").json()
    if as_json:
        print_json(found)
        return
    if found["number"]:
        console().print(f"record {found['number']}, until {found['end']}", highlight=False)
        console().print(f"digest {found['digest']}", highlight=False)
    else:
        # The digest before the first record is all zeros: nobody should note it.
        console().print("no record yet: the first one comes at the end of this hour")
    console().print(f"key {found['key']}", highlight=False)


@app.command("export", epilog=EXAMPLES)
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write; .tar.gz.")],
    since: Annotated[
        datetime | None, typer.Option("--from", formats=_FORMATS, help="The start, in UTC.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option("--to", formats=_FORMATS, help="The end, in UTC.")
    ] = None,
    data: DATA = None,
) -> None:
    """Write the records of a time with their queries and audit entries into one file.

    It holds what the query log holds: no clients where a policy logs none or
    where they were removed since, and no queries that retention has removed.
    """
    from keyhole.system import durable

    wanted = {
        "since": since.isoformat() if since else None,
        "until": until.isoformat() if until else None,
    }
    with ApiClient(data, _SECONDS) as api, durable.replacing(file) as into:
        api.download("POST", "/evidence/export", into, json=wanted)
    console().print(f"wrote {escape(str(file))}; keyhole evidence check looks at it anywhere")


@app.command("check", epilog=CHECK_EXAMPLES)
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An export of evidence.")],
    digest: Annotated[
        str | None, typer.Option("--head", metavar="DIGEST", help="A digest noted elsewhere.")
    ] = None,
    key: Annotated[
        str | None, typer.Option("--key", metavar="SHA256", help="The key that must have signed.")
    ] = None,
    as_json: JSON = False,
) -> None:
    """Check an export. This needs no Keyhole and no network."""
    from keyhole.evidence.check import check_export
    from keyhole.evidence.error import EvidenceError

    try:
        report = check_export(file, head=digest, key=key)
    except (EvidenceError, OSError) as error:
        show_error(errors_console(), EvidenceError(str(error)))
        raise typer.Exit(USAGE) from None
    if as_json:
        print_json(_document(report))
    else:
        _show(report)
    if report.wrong:
        raise typer.Exit(FAILED)


def _document(report: "Report") -> dict[str, Any]:
    return {
        "wrong": report.wrong,
        "notes": report.notes,
        "records": report.records,
        "queries": report.queries,
        "audit_entries": report.audit_entries,
        "head": report.head,
        "key": report.key,
        "compared": report.is_compared,
    }


def _show(report: "Report") -> None:
    terminal = console()
    for one in report.wrong:
        terminal.print(f"[red]wrong:[/] {escape(sanitize(one))}", highlight=False)
    for one in report.notes[:_MAX_NOTES]:
        terminal.print(f"note: {escape(sanitize(one))}", highlight=False)
    if (more := len(report.notes) - _MAX_NOTES) > 0:
        terminal.print(f"[dim]and {more} more notes; --json shows all[/]")
    terminal.print(
        f"records: {report.records}, queries: {report.queries:,}, "
        f"audit entries: {report.audit_entries}"
    )
    terminal.print(f"head {report.head}", highlight=False)
    terminal.print(f"key {report.key}", highlight=False)
    if not report.wrong:
        terminal.print("[green]nothing was changed[/]")
    if not report.is_compared:
        terminal.print("checked in itself only: nothing shows whose key this is (--head, --key)")

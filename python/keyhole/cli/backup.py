"""``keyhole backup``: all of a Keyhole in one file."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from keyhole.cli.options import CONFIG, DATA, JSON, WHY
from keyhole.cli.output import console, errors_console, print_json, sanitize
from keyhole.control.data_folder import DataFolder, default_data_folder
from keyhole.system.end_signals import ended_by_exception
from keyhole.system.secret_input import STANDARD_INPUT, read_secret

EXAMPLES = """
[bold]Examples[/]

  keyhole backup keyhole.tar.gz             while it runs, or while it does not

  keyhole backup keyhole.tar.gz --replace   a file that exists

  keyhole backup keyhole.sealed --passphrase-file /etc/keyhole/passphrase

  keyhole backup - | age -e -r age1... >keyhole.tar.gz.age

A pipe has the exit code of its last command: say set -o pipefail (bash) before, or

check what came out (keyhole restore - --check). --json goes to standard error then.

The file holds every key: only its owner can read it. keyhole restore FILE

puts all of it back. Exit code 1: nothing was written (a pipe may have

got a part, which no restore takes), or what was written is not whole; the

message says which.
"""

_OPEN = "it holds every key of this Keyhole: keep it where nobody else can read it"
_SEALED = "it is encrypted: without the passphrase nobody can read it, and nobody can restore it"

app = typer.Typer()


@app.command("backup", epilog=EXAMPLES)
def backup(
    file: Annotated[str, typer.Argument(metavar="FILE", help="The file to write; - for a pipe.")],
    data: DATA = None,
    config: CONFIG = None,
    with_history: Annotated[
        bool, typer.Option("--with-history", help="Also the query log and its history.")
    ] = False,
    without_database: Annotated[
        bool,
        typer.Option(
            "--without-database", help="Without a database in PostgreSQL, which pg_dump backs up."
        ),
    ] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Replace a file that exists.")] = False,
    passphrase_file: Annotated[
        str | None,
        typer.Option(
            "--passphrase-file",
            metavar="FILE",
            help="Encrypt it by the passphrase in this file; - asks, or reads the input.",
        ),
    ] = None,
    why: WHY = None,
    as_json: JSON = False,
) -> None:
    """Write all that a Keyhole needs to serve again into one file.

    Settings, documents, authority and keys, certificates, tokens, revocations,
    accounts, decisions, audit record, and the lists, so that it filters without
    the internet.
    """
    from keyhole.control.backup.writer import BackupRequest, write_backup
    from keyhole.identity.journal import Author

    is_pipe = file == STANDARD_INPUT
    if is_pipe and sys.stdout.isatty():
        raise typer.BadParameter(
            "a backup holds keys, and this is a terminal; write keyhole backup - | age ... or "
            "give a file"
        )
    passphrase = None if passphrase_file is None else _passphrase(passphrase_file)
    request = BackupRequest(
        DataFolder(data or default_data_folder()),
        config,
        sys.stdout.buffer if is_pipe else Path(file),
        replace=replace,
        with_history=with_history,
        without_database=without_database,
        passphrase=passphrase,
        author=Author.of_command(why),
    )
    with ended_by_exception():
        done = write_backup(request)
    # What is written into a pipe is the backup.
    terminal = errors_console() if is_pipe else console()
    if as_json:
        summary = done.manifest.summary()
        words = {"warnings": [*done.warnings], "errors": [*done.errors]}
        print_json({"file": file, "size": done.octets, **summary, **words}, terminal.file)
        raise typer.Exit(1 if done.errors else 0)
    for warning in done.warnings:
        errors_console().print(f"[yellow]{escape(sanitize(warning))}[/]")
    for one in done.manifest.left_out:
        terminal.print(f"[yellow]left out:[/] {escape(sanitize(f'{one.path} ({one.why})'))}")
    count = len(done.manifest.members)
    where = "" if is_pipe else f" into {file}, {done.octets:,} octets"
    terminal.print(f"[green]backed up[/] {count} files{escape(sanitize(where))}")
    terminal.print(_OPEN if passphrase is None else _SEALED)
    for text in done.errors:
        said = sanitize(f"this backup is not whole, and a restore goes on without this: {text}")
        errors_console().print(f"[bold red]error:[/] {escape(said)}")
    if done.errors:
        errors_console().print("mend that and back up again; it was written for what else is in it")
        raise typer.Exit(1)


def _passphrase(file: str) -> str:
    from keyhole.control.backup.error import BackupError
    from keyhole.control.backup.sealed import check_passphrase

    passphrase = check_passphrase(read_secret(file, "Passphrase"))
    is_asked = file == STANDARD_INPUT and sys.stdin.isatty()
    if is_asked and read_secret(file, "The same again") != passphrase:
        raise BackupError("the two are different; nothing was written")
    return passphrase

"""``keyhole restore``: puts back what ``keyhole backup`` has written."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer
from rich.console import Console
from rich.markup import escape

from keyhole.cli.options import CONFIG, DATA, JSON, WHY
from keyhole.cli.output import console, print_json, sanitize
from keyhole.control.data_folder import DataFolder, default_data_folder
from keyhole.system.secret_input import STANDARD_INPUT, read_secret

if TYPE_CHECKING:
    from keyhole.control.backup.manifest import Manifest
    from keyhole.control.backup.restore import Restored

EXAMPLES = """
[bold]Examples[/]

  keyhole restore keyhole.tar.gz              into an empty data folder

  keyhole restore keyhole.tar.gz --replace    what is there is kept beside

  keyhole restore keyhole.tar.gz --check      check it, and say what it holds

  keyhole restore keyhole.sealed --passphrase-file /etc/keyhole/passphrase

  age -d keyhole.tar.gz.age | keyhole restore -

Keyhole must not run on the folder. Exit code 1: everything is as it was.
"""

_PIECE = 1024 * 1024

app = typer.Typer()


@app.command("restore", epilog=EXAMPLES)
def restore(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A backup; - for a pipe.")],
    data: DATA = None,
    config: CONFIG = None,
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Keep what is there under a name with the time."),
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Only check the file and say what it holds.")
    ] = False,
    passphrase_file: Annotated[
        str | None,
        typer.Option(
            "--passphrase-file",
            metavar="FILE",
            help="The passphrase of an encrypted backup; - asks, or reads the input.",
        ),
    ] = None,
    why: WHY = None,
    as_json: JSON = False,
) -> None:
    """Put a Keyhole back from a backup: all of it, or nothing.

    keyhole up serves at once then, also without the internet. What was revoked
    after the backup stays revoked where the folder that is replaced knows it.
    With --config, settings that lay beside the data folder go there.
    """
    from keyhole.control.backup.reader import read_backup
    from keyhole.control.backup.restore import RestoreRequest
    from keyhole.control.backup.restore import restore as put_back
    from keyhole.control.backup.sealed import opened_if_sealed
    from keyhole.identity.journal import Author

    if file == passphrase_file == STANDARD_INPUT:
        raise typer.BadParameter("one input cannot hold both the backup and its passphrase")
    with _source(file) as found:
        name = "the backup" if file == STANDARD_INPUT else file
        source = opened_if_sealed(
            found,
            name,
            lambda: _passphrase(file, passphrase_file),
            must_be=passphrase_file is not None,
        )
        if check:
            _show_manifest(read_backup(source, name), as_json=as_json)
            return
        folder = DataFolder(data or default_data_folder())
        done = put_back(
            source, name, RestoreRequest(folder, config, replace, Author.of_command(why))
        )
    if as_json:
        print_json(
            {
                "data": str(done.data),
                "settings": str(done.settings),
                "replaced": [str(one) for one in done.replaced],
                "taken_away": done.carried_over.detail(),
                "notes": done.notes,
                "backup": done.manifest.summary(),
            }
        )
        return
    _show(console(), done)


def _passphrase(file: str, passphrase_file: str | None) -> str:
    if passphrase_file is None:
        if file == STANDARD_INPUT or not sys.stdin.isatty():
            raise typer.BadParameter("this backup is encrypted: give --passphrase-file FILE")
        passphrase_file = STANDARD_INPUT
    return read_secret(passphrase_file, "Passphrase of the backup")


@contextmanager
def _source(file: str) -> Iterator[BinaryIO]:
    """The backup as a file that can be read twice."""
    if file != STANDARD_INPUT:
        from keyhole.control.backup.reader import opened

        with opened(Path(file)) as source:
            yield source
        return
    if sys.stdin.isatty():
        raise typer.BadParameter("give a file, or - behind a pipe that writes a backup")
    import tempfile

    # It has no name: nobody else can open it, and nothing is left of it.
    with tempfile.TemporaryFile() as source:
        _copy(sys.stdin.buffer, source)
        source.seek(0)
        yield source


def _copy(pipe: BinaryIO, file: BinaryIO) -> None:
    """Copies a pipe, which has no end that anybody promised."""
    from keyhole.control.backup.archive import MAX_OCTETS
    from keyhole.control.backup.error import BackupError
    from keyhole.model.units import show_octets

    left = MAX_OCTETS
    try:
        while piece := pipe.read(_PIECE):
            left -= len(piece)
            if left < 0:
                raise BackupError(
                    f"what came through the pipe is larger than {show_octets(MAX_OCTETS)}, the "
                    "most that a backup holds; everything is as it was"
                )
            file.write(piece)
    except OSError as error:
        raise BackupError(
            f"cannot keep what came through the pipe: {error.strerror}; make room in the folder "
            "that TMPDIR names, or give a file; everything is as it was"
        ) from error


def _show_manifest(manifest: "Manifest", *, as_json: bool) -> None:
    if as_json:
        print_json(manifest.summary())
        return
    terminal = console()
    terminal.print(f"a backup of {manifest.when}, by Keyhole {escape(sanitize(manifest.keyhole))}")
    terminal.print(f"data folder: {escape(sanitize(manifest.data))}")
    terminal.print(f"settings: {escape(sanitize(manifest.settings))}")
    history = "with" if manifest.has_history else "without"
    terminal.print(f"database: {escape(sanitize(manifest.database))}, {history} history")
    for name, one in sorted(manifest.members.items()):
        terminal.print(f"  {escape(sanitize(name))}  [dim]{one.octets:,} octets[/]")
    for left in manifest.left_out:
        terminal.print(f"[yellow]left out:[/] {escape(sanitize(f'{left.path} ({left.why})'))}")
    terminal.print("[green]whole:[/] every file is as it was written")


def _show(terminal: Console, done: "Restored") -> None:
    for one in done.replaced:
        terminal.print(f"what was there is now {escape(sanitize(str(one)))}")
    taken = done.carried_over
    if taken.revocations:
        count = taken.revocations
        terminal.print(f"{count} revocations are newer than the backup, and stay in force")
    for names, what in (
        (taken.tokens, "tokens that were revoked since stay revoked"),
        (taken.enrollments, "enrollments that may have been used are removed"),
        (taken.api_tokens, "API tokens that were revoked since stay revoked"),
        (taken.people, "people who were removed or disabled since are disabled"),
        (taken.roles, "people who got a lower role since keep that"),
    ):
        if names:
            terminal.print(f"{what}: {escape(sanitize(', '.join(names)))}")
    for note in done.notes:
        terminal.print(f"[yellow]{escape(sanitize(note))}[/]")
    where = escape(sanitize(str(done.data)))
    terminal.print(f"[green]restored[/] {where} from the backup of {done.manifest.when}")
    terminal.print("everybody has to sign in again; keyhole up serves it")

"""``keyhole setup``: lets a used data folder go on without what is missing in it."""

from typing import Annotated

import typer
from rich.markup import escape

from keyhole.cli.app import FAILED
from keyhole.cli.options import CONFIG, DATA, WHY
from keyhole.cli.output import console, sanitize
from keyhole.control.data_folder import DataFolder, default_data_folder

EXAMPLES = """
[bold]Examples[/]

  keyhole setup              what is missing, and what is lost without it

  keyhole setup --new        let keyhole up make it anew; not while Keyhole runs

Exit code 0: nothing is missing, or it is made anew. 1: something is missing, or Keyhole runs.
"""

app = typer.Typer()


@app.command("setup", epilog=EXAMPLES)
def setup(
    data: DATA = None,
    config: CONFIG = None,
    new: Annotated[
        bool, typer.Option("--new", help="Go on without what is missing; what is lost is said.")
    ] = False,
    why: WHY = None,
) -> None:
    """Say what a used data folder has no more, and go on without it.

    `keyhole up` makes nothing anew that was there before. The last good snapshot answers until the
    missing part is restored (keyhole restore), or until this command is called with --new.
    """
    import asyncio
    from contextlib import closing

    from keyhole.control.error import ControlError
    from keyhole.control.setup import go_on_without, unusable_parts
    from keyhole.identity.journal import Author

    folder, terminal = DataFolder(data or default_data_folder()), console()
    if not folder.state.is_dir():
        raise ControlError(f"{folder.path} was never used; keyhole up begins with it")
    with closing(asyncio.run(folder.claim())):
        parts = unusable_parts(folder, config)
        for one in parts:
            terminal.print(f"[yellow]{escape(sanitize(one.found))}[/]")
            terminal.print(f"    lost without it: {escape(one.lost)}")
        if not parts:
            terminal.print("nothing is missing")
            return
        if not new:
            terminal.print("restore it from a backup (keyhole restore), or run keyhole setup --new")
            raise typer.Exit(FAILED)
        for path in go_on_without(folder, parts, Author.of_command(why)):
            terminal.print(f"wrote {escape(str(path))}")
    terminal.print("the next keyhole up makes it anew")

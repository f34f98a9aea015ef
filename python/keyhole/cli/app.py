"""The program: it loads the command that is called, and turns errors into exit codes."""

import os
import sys
from collections import UserDict
from collections.abc import Mapping
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

from keyhole import __version__
from keyhole.cli.global_options import GLOBAL_OPTIONS
from keyhole.errors import DocumentErrors, KeyholeError
from keyhole.system.folders import keep_private

ABOUT = """
[bold]Keyhole[/]: zero-trust DNS. Every query is encrypted and authorized.

Start with [bold]keyhole lab[/]: a test network on this machine, without the internet.

Go on with [bold]keyhole up[/]: a resolver on this machine.
"""

EXIT_CODES = """
Exit codes: 0 done; 1 failed, or the answer is no; 2 wrong usage;

3 documents or settings are not valid. Each command says more in its own help.
"""

SERVER = Annotated[
    str | None,
    typer.Option("--server", help="URL of a Keyhole elsewhere. Default: $KEYHOLE_SERVER."),
]
FILE = Annotated[
    str | None,
    typer.Option("--token-file", help="Its token. Default: $KEYHOLE_TOKEN, $KEYHOLE_TOKEN_FILE."),
]
CA = Annotated[
    str | None,
    typer.Option("--ca", help="Its root certificate. Default: $KEYHOLE_CA, the system's."),
]


def _show_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"keyhole {__version__}")
        raise typer.Exit


VERSION = Annotated[
    bool,
    typer.Option(
        "--version", is_eager=True, callback=_show_version, help="Show the version and end."
    ),
]

FAILED, USAGE, INVALID = 1, 2, 3


class LazyCommands(UserDict[str, Any]):
    """Commands by name, for Typer. A command's module is imported when the command is looked up.

    The ``app`` of a module holds commands of the table or, as in ``lists``, a group of commands.
    The help looks up all commands, so their modules import large packages inside of functions.
    """

    def __init__(self, table: Mapping[str, Mapping[str, str]]) -> None:
        """``table``: heading in the help, name of a command, name of its module."""
        super().__init__()
        for heading, modules in table.items():
            self.data |= {name: (heading, module) for name, module in modules.items()}

    def __getitem__(self, name: str) -> Any:
        if isinstance(self.data[name], tuple):
            heading, module = self.data[name]
            group = get_group(import_module(module).app)
            command: Any = group.commands.get(name, group)
            command.name, command.rich_help_panel = name, heading
            self.data[name] = command
        return self.data[name]


def create_app(table: Mapping[str, Mapping[str, str]]) -> typer.Typer:
    """The program with the commands of a table; see `LazyCommands`."""

    class Program(TyperGroup):
        def __init__(self, **settings: Any) -> None:
            super().__init__(**{**settings, "commands": LazyCommands(table)})

    app = typer.Typer(
        name="keyhole",
        cls=Program,
        no_args_is_help=True,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @app.callback(help=ABOUT, epilog=EXIT_CODES)
    def set_global_options(
        server: SERVER = None,
        token_file: FILE = None,
        ca: CA = None,
        version: VERSION = False,
    ) -> None:
        GLOBAL_OPTIONS.server = server
        GLOBAL_OPTIONS.token_file = token_file
        GLOBAL_OPTIONS.ca = ca

    return app


def run(app: typer.Typer) -> int:
    """Runs the program; an error of the user becomes a message, never a traceback."""
    keep_private()
    try:
        app()
    except KeyholeError as error:
        return _report(error)
    except BrokenPipeError:
        # The reader has closed our output, as with | head. The flush at exit must not fail then.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _report(KeyholeError(f"{where}{error.strerror or error}"))
    return 0


def _report(error: KeyholeError) -> int:
    # Imported here: only errors need it.
    from keyhole.cli.output import errors_console, show_error

    show_error(errors_console(), error)
    return INVALID if isinstance(error, DocumentErrors) else FAILED

"""The program itself: its commands in order, and what becomes of an error."""

import os
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer

from keyhole.cli.global_options import GLOBAL_OPTIONS
from keyhole.errors import DocumentErrors, KeyholeError

ABOUT = """
[bold]Keyhole[/]: zero-trust DNS. Every question travels encrypted and authorized.

Start with [bold]keyhole lab[/]: a whole world on this machine, without any internet.

Go on with [bold]keyhole up[/]: a resolver on this machine.
"""

EXIT_CODES = """
Exit codes: 0 done; 1 failed, or the answer is no; 2 wrong usage;

3 documents or settings are not valid. Each command says more in its own help.
"""

SERVER = Annotated[
    str | None,
    typer.Option("--server", help="A Keyhole on another machine; else $KEYHOLE_SERVER."),
]
FILE = Annotated[
    str | None,
    typer.Option("--token-file", help="Its token; else $KEYHOLE_TOKEN, $KEYHOLE_TOKEN_FILE."),
]
CA = Annotated[
    str | None,
    typer.Option("--ca", help="The root of its certificate; else $KEYHOLE_CA, the system's."),
]

FAILED, USAGE, INVALID = 1, 2, 3


def program() -> typer.Typer:
    """A program without commands; ``keyhole.__main__`` adds those of all rows."""
    app = typer.Typer(
        name="keyhole",
        no_args_is_help=True,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @app.callback(help=ABOUT, epilog=EXIT_CODES)
    def _always_with_a_command(
        server: SERVER = None, token_file: FILE = None, ca: CA = None
    ) -> None:
        """Keeps the name of the command necessary, also where there is only one."""
        GLOBAL_OPTIONS.server, GLOBAL_OPTIONS.token_file, GLOBAL_OPTIONS.ca = server, token_file, ca

    return app


def add(
    app: typer.Typer, command: Callable[..., Any], *, examples: str, group: str, name: str
) -> None:
    """Adds a command with its examples; ``group`` is the heading in the help."""
    app.command(name, epilog=examples, rich_help_panel=group)(command)


def run(app: typer.Typer) -> int:
    """Runs the program; a mistake of the person becomes a message and never a traceback."""
    try:
        app()
    except KeyholeError as error:
        return _tell(error)
    except BrokenPipeError:
        # The reader of our output has left, as with | head; the interpreter's own flush at exit
        # must not complain about it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _tell(KeyholeError(f"{where}{error.strerror or error}"))
    return 0


def _tell(error: KeyholeError) -> int:
    # Imported here: an engine that starts well never needs it.
    from keyhole.cli.output import errors_console, show_error

    show_error(errors_console(), error)
    return INVALID if isinstance(error, DocumentErrors) else FAILED

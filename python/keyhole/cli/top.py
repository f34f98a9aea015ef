"""``keyhole top``: what a running Keyhole does at the moment."""

import os
import select
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.live import Live
from rich.text import Text

from keyhole.cli.api_client import ApiClient, ApiError
from keyhole.cli.options import DATA, JSON
from keyhole.cli.output import console, print_json, sanitize
from keyhole.cli.top_picture import take_picture
from keyhole.cli.top_screen import Picture, screen
from keyhole.control.error import ControlError

EXAMPLES = """
[bold]Examples[/]

  keyhole top                           until q is pressed

  keyhole top --window 600 --pause 10

  keyhole top --once --json             for a program

Exit code 0: it runs. 1: it does not.
"""
_QUIT = frozenset("qQ\x03\x04")
"""Keys that end it: q, and Ctrl-C and Ctrl-D where the terminal gives them as letters."""

app = typer.Typer()


@app.command("top", epilog=EXAMPLES)
def top(
    window: Annotated[
        int, typer.Option("--window", min=5, max=86_400, help="The seconds that are counted.")
    ] = 60,
    pause: Annotated[
        int, typer.Option("--pause", min=1, max=3_600, help="Seconds between two pictures.")
    ] = 2,
    once: Annotated[bool, typer.Option("--once", help="Print one picture and end.")] = False,
    data: DATA = None,
    as_json: JSON = False,
) -> None:
    """Show rates, clients, names, upstreams, and what is open; q ends it.

    The numbers are those of keyhole graph and keyhole stats for the last seconds.
    """
    if as_json and not once:
        raise typer.BadParameter("a program gets one picture; add --once", param_hint="--json")
    if not once and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise ControlError("keyhole top needs a terminal; add --once for one picture")
    with ApiClient(data) as api:
        # What cannot be reached ends it before the screen is cleared.
        picture = take_picture(api, window)
        if as_json:
            print_json(picture)
        elif once:
            print("\n".join(screen(picture)))
        else:
            _show(api, picture, pause)


def _show(api: ApiClient, picture: Picture, pause: int) -> None:
    terminal = console()
    with _keys(), Live(console=terminal, screen=True, auto_refresh=False) as live:
        lines = screen(picture, terminal.width, terminal.height)
        while True:
            text = Text("\n".join(lines), no_wrap=True, overflow="crop")
            text.highlight_regex(r"(?m)^[A-Z][A-Z ,]{4,}.*$", "bold")
            live.update(text, refresh=True)
            if _is_quit(pause):
                return
            try:
                found = take_picture(api, picture["window"])
                lines = screen(found, terminal.width, terminal.height)
            except ApiError as error:
                first, *_ = str(error).splitlines()
                lines = [sanitize(first), "", "It is asked again; q quits."]


def _is_quit(seconds: float) -> bool:
    """Waits at most so long for a key; whether it is one that ends."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        ready, _, _ = select.select([sys.stdin], [], [], left)
        if not ready:
            return False
        pressed = os.read(sys.stdin.fileno(), 64).decode(errors="replace")
        # No letter at all: the terminal is gone.
        if not pressed or _QUIT & set(pressed):
            return True
    return False


@contextmanager
def _keys() -> Iterator[None]:
    """Keys arrive at once and are not shown; the terminal is as before afterwards."""
    import termios
    import tty

    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    try:
        tty.setcbreak(terminal)
        yield
    except KeyboardInterrupt:
        pass
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)

"""``keyhole version``: what runs here."""

import platform
from typing import Annotated

import typer

from keyhole import __version__
from keyhole.cli.output import console, print_json

EXAMPLES = """
[bold]Examples[/]

  keyhole version

  keyhole version --json
"""

app = typer.Typer()


@app.command("version", epilog=EXAMPLES)
def version(
    as_json: Annotated[bool, typer.Option("--json", help="For a program.")] = False,
) -> None:
    """Show the version of Keyhole, and what it runs on."""
    facts = {
        "keyhole": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
    }
    if as_json:
        print_json(facts)
        return
    console().print(
        f"keyhole {facts['keyhole']} [dim](Python {facts['python']}, {facts['system']})[/]"
    )

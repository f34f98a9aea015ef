"""``keyhole`` and ``python -m keyhole``: puts the commands of all rows into one program.

The rows ``cli``, ``lab`` and ``verify`` never import each other; they meet here.
"""

import sys

import typer

from keyhole.cli import engine
from keyhole.cli.program import add, program, run


def main() -> int:
    """Runs the command that was asked for and gives the exit code."""
    app = program()
    # An engine that died must be back at once, so it waits for no import of the other commands.
    if sys.argv[1:2] != ["engine"]:
        _add_commands_for_people(app)
    add(app, engine.engine, examples=engine.EXAMPLES, group="Run", name="engine")
    return run(app)


def _add_commands_for_people(app: typer.Typer) -> None:
    from keyhole.cli import (
        check,
        enroll,
        explain,
        identity,
        lists,
        log,
        profile,
        simulate,
        token,
        up,
        version,
    )
    from keyhole.lab import command as lab
    from keyhole.verify import dig

    add(app, up.up, examples=up.EXAMPLES, group="Run", name="up")
    add(app, lab.lab, examples=lab.EXAMPLES, group="Run", name="lab")
    add(app, dig.dig, examples=dig.EXAMPLES, group="Look", name="dig")
    add(app, explain.explain, examples=explain.EXAMPLES, group="Look", name="explain")
    add(app, log.log, examples=log.EXAMPLES, group="Look", name="log")
    add(app, simulate.simulate, examples=simulate.EXAMPLES, group="Documents", name="simulate")
    add(app, check.check, examples=check.EXAMPLES, group="Documents", name="check")
    app.add_typer(lists.program(), name="lists", rich_help_panel="Documents")
    app.add_typer(identity.program(), name="identity", rich_help_panel="Identity")
    app.add_typer(enroll.program(), name="enroll", rich_help_panel="Identity")
    app.add_typer(token.program(), name="token", rich_help_panel="Identity")
    add(app, profile.profile, examples=profile.EXAMPLES, group="Identity", name="profile")
    add(app, version.version, examples=version.EXAMPLES, group="About", name="version")


if __name__ == "__main__":
    sys.exit(main())

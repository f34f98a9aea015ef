"""``keyhole`` and ``python -m keyhole``: puts the commands of all rows into one program.

The rows ``cli``, ``lab`` and ``verify`` never import each other; they meet here.
"""

import sys

from keyhole.cli import check, engine, explain, lists, up, version
from keyhole.cli.program import add, program, run
from keyhole.lab import command as lab
from keyhole.verify import dig


def main() -> int:
    """Runs the command that was asked for and gives the exit code."""
    app = program()
    add(app, up.up, examples=up.EXAMPLES, group="Run", name="up")
    add(app, lab.lab, examples=lab.EXAMPLES, group="Run", name="lab")
    add(app, engine.engine, examples=engine.EXAMPLES, group="Run", name="engine")
    add(app, dig.dig, examples=dig.EXAMPLES, group="Look", name="dig")
    add(app, explain.explain, examples=explain.EXAMPLES, group="Look", name="explain")
    add(app, check.check, examples=check.EXAMPLES, group="Documents", name="check")
    app.add_typer(lists.program(), name="lists", rich_help_panel="Documents")
    add(app, version.version, examples=version.EXAMPLES, group="About", name="version")
    return run(app)


if __name__ == "__main__":
    sys.exit(main())

"""``keyhole`` and ``python -m keyhole``: puts the commands of all rows into one program.

The rows ``cli``, ``lab`` and ``verify`` never import each other; they meet here.
"""

import sys

import typer

from keyhole.cli import control, engine
from keyhole.cli.app import add, program, run


def main() -> int:
    """Runs the command that was asked for and gives the exit code."""
    app = program()
    # What died must be back at once, so it waits for no import of the other commands.
    if sys.argv[1:2] not in (["engine"], ["control"]):
        _add_commands_for_people(app)
    add(app, engine.engine, examples=engine.EXAMPLES, group="Run", name="engine")
    add(app, control.control, examples=control.EXAMPLES, group="Run", name="control")
    return run(app)


def _add_commands_for_people(app: typer.Typer) -> None:
    from keyhole.cli import (
        allow_block,
        api_token,
        apply,
        audit,
        check,
        engines,
        enroll,
        explain,
        get,
        identity,
        import_,
        lists,
        log,
        pause,
        people,
        profile,
        rollback,
        simulate,
        stats,
        status,
        token,
        up,
        version,
    )
    from keyhole.dns_client import dig
    from keyhole.lab import command as lab

    add(app, up.up, examples=up.EXAMPLES, group="Run", name="up")
    add(app, lab.lab, examples=lab.EXAMPLES, group="Run", name="lab")
    add(app, dig.dig, examples=dig.EXAMPLES, group="Look", name="dig")
    add(app, explain.explain, examples=explain.EXAMPLES, group="Look", name="explain")
    add(app, log.log, examples=log.EXAMPLES, group="Look", name="log")
    add(app, status.status, examples=status.EXAMPLES, group="Look", name="status")
    add(app, pause.pause, examples=pause.PAUSE_EXAMPLES, group="Now", name="pause")
    add(app, pause.resume, examples=pause.RESUME_EXAMPLES, group="Now", name="resume")
    add(app, allow_block.allow, examples=allow_block.ALLOW_EXAMPLES, group="Now", name="allow")
    add(app, allow_block.block, examples=allow_block.BLOCK_EXAMPLES, group="Now", name="block")
    listed = allow_block.decisions
    add(app, listed, examples=allow_block.DECISIONS_EXAMPLES, group="Now", name="decisions")
    add(app, apply.apply, examples=apply.APPLY_EXAMPLES, group="Documents", name="apply")
    add(app, get.get, examples=get.GET_EXAMPLES, group="Documents", name="get")
    add(app, apply.diff, examples=apply.DIFF_EXAMPLES, group="Documents", name="diff")
    add(app, rollback.delete, examples=rollback.DELETE_EXAMPLES, group="Documents", name="delete")
    back = rollback.rollback
    add(app, back, examples=rollback.ROLLBACK_EXAMPLES, group="Documents", name="rollback")
    add(app, get.export, examples=get.EXPORT_EXAMPLES, group="Documents", name="export")
    add(app, audit.audit, examples=audit.EXAMPLES, group="Look", name="audit")
    add(app, stats.stats, examples=stats.EXAMPLES, group="Look", name="stats")
    add(app, engines.engines, examples=engines.EXAMPLES, group="Look", name="engines")
    add(app, simulate.simulate, examples=simulate.EXAMPLES, group="Documents", name="simulate")
    add(app, check.check, examples=check.EXAMPLES, group="Documents", name="check")
    add(app, import_.import_, examples=import_.EXAMPLES, group="Documents", name="import")
    app.add_typer(lists.program(), name="lists", rich_help_panel="Documents")
    app.add_typer(identity.program(), name="identity", rich_help_panel="Identity")
    app.add_typer(enroll.program(), name="enroll", rich_help_panel="Identity")
    app.add_typer(token.program(), name="token", rich_help_panel="Identity")
    add(app, profile.profile, examples=profile.EXAMPLES, group="Identity", name="profile")
    app.add_typer(people.program(), name="people", rich_help_panel="AccountServices")
    app.add_typer(api_token.program(), name="api-token", rich_help_panel="AccountServices")
    add(app, version.version, examples=version.EXAMPLES, group="About", name="version")


if __name__ == "__main__":
    sys.exit(main())

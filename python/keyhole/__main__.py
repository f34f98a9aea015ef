"""``keyhole`` and ``python -m keyhole``: the commands of all packages in one program.

The packages ``cli``, ``lab``, ``verify`` and ``dns_client`` never import each other; they meet
here.
"""

import sys

import typer

from keyhole.cli.app import create_app, run
from keyhole.system.collector import collect_rarely

COMMANDS = {
    "Run": {
        "up": "keyhole.cli.up",
        "lab": "keyhole.lab.command",
        "engine": "keyhole.cli.engine",
        "control": "keyhole.cli.control",
        "setup": "keyhole.cli.setup",
        "backup": "keyhole.cli.backup",
        "restore": "keyhole.cli.restore",
    },
    "Look": {
        "dig": "keyhole.dns_client.dig",
        "explain": "keyhole.cli.explain",
        "log": "keyhole.cli.log",
        "status": "keyhole.cli.status",
        "doctor": "keyhole.cli.doctor",
        "verify": "keyhole.verify.command",
        "audit": "keyhole.cli.audit",
        "stats": "keyhole.cli.stats",
        "graph": "keyhole.cli.graph",
        "screen": "keyhole.cli.screen",
        "findings": "keyhole.cli.findings",
        "proof": "keyhole.cli.proof",
        "top": "keyhole.cli.top",
        "engines": "keyhole.cli.engines",
        "events": "keyhole.cli.events",
        "evidence": "keyhole.cli.evidence",
    },
    "Now": {
        "pause": "keyhole.cli.pause",
        "resume": "keyhole.cli.pause",
        "allow": "keyhole.cli.allow_block",
        "block": "keyhole.cli.allow_block",
        "decisions": "keyhole.cli.allow_block",
        "quarantine": "keyhole.cli.quarantine",
    },
    "Documents": {
        "apply": "keyhole.cli.apply",
        "get": "keyhole.cli.get",
        "diff": "keyhole.cli.apply",
        "delete": "keyhole.cli.rollback",
        "rollback": "keyhole.cli.rollback",
        "export": "keyhole.cli.get",
        "simulate": "keyhole.cli.simulate",
        "check": "keyhole.cli.check",
        "import": "keyhole.cli.import_",
        "lists": "keyhole.cli.lists",
    },
    "Identity": {
        "identity": "keyhole.cli.identity",
        "enroll": "keyhole.cli.enroll",
        "token": "keyhole.cli.token",
        "profile": "keyhole.cli.profile",
    },
    "Cluster": {"mesh": "keyhole.cli.mesh"},
    "People": {"people": "keyhole.cli.people", "api-token": "keyhole.cli.api_token"},
    "About": {"version": "keyhole.cli.version"},
}
"""Heading in the help, name of a command, name of its module."""


def app() -> typer.Typer:
    """The program with all its commands."""
    return create_app(COMMANDS)


def main() -> int:
    """Runs the command that was called and gives the exit code."""
    collect_rarely()
    return run(app())


if __name__ == "__main__":
    sys.exit(main())

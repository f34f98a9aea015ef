"""A Jaeger for tests and for ``./dev observe``: ``python -m tools.jaeger`` builds it.

It is built from its Go module with the ordinary ``go`` command into a cache outside the tree, by
version: three to seven minutes of two processors, once. Nothing else builds it.
"""

import os
import sys
from pathlib import Path

from tools import go_program
from tools.cluster_tools import cache

VERSION = "1.76.0"
"""The last one with memory storage in one program."""
_PROGRAM = "github.com/jaegertracing/jaeger/cmd/all-in-one"


def binary() -> Path:
    """Where the program is, once it is built."""
    return cache() / f"jaeger-{VERSION}" / "jaeger-all-in-one"


def find() -> Path | None:
    """The program, if it was built."""
    return binary() if os.access(binary(), os.X_OK) else None


def arguments(otlp: int, query: int, admin: int) -> list[str]:
    """The command of a Jaeger on loopback that keeps traces in memory: receiver, query and
    ``GET /`` for its health on these ports. What else it listens on gets ports of the system's."""
    host = "127.0.0.1"
    unused = ("collector.otlp.grpc", "collector.grpc-server", "collector.http-server")
    return [
        str(binary()),
        f"--collector.otlp.http.host-port={host}:{otlp}",
        f"--query.http-server.host-port={host}:{query}",
        f"--admin.http.host-port={host}:{admin}",
        *(f"--{one}.host-port={host}:0" for one in (*unused, "query.grpc-server")),
        "--memory.max-traces=10000",
    ]


def build() -> int:
    """Builds it unless it is there; gives the exit code."""
    commands = (
        ["mod", "init", "jaeger"],
        # This fills go.sum for the whole program.
        ["get", "-tool", f"{_PROGRAM}@v{VERSION}"],
        ["build", "-trimpath", "-ldflags=-s -w", _PROGRAM],
    )
    return go_program.build(binary(), commands, {})


if __name__ == "__main__":
    sys.exit(build())

"""A CoreDNS for tests: ``python -m tools.coredns`` builds it.

It is built from its Go module with the ordinary ``go`` command into a cache outside the tree, by
version: one to two minutes of two processors, once. It has the plugins of our snippets, except
``kubernetes``, which needs a cluster.
"""

import os
import sys
from pathlib import Path

from tools import go_program
from tools.cluster_tools import cache

VERSION = "1.15.0"
_MODULE = "github.com/coredns/coredns"
PLUGINS = (
    "bind", "cache", "errors", "forward", "health", "hosts", "loadbalance", "log", "loop",
    "metrics", "ready", "reload", "template", "tls",
)  # fmt: skip


def binary() -> Path:
    """Where the program is, once it is built."""
    return cache() / f"coredns-{VERSION}" / "coredns"


def find() -> Path | None:
    """The program, if it was built."""
    return binary() if os.access(binary(), os.X_OK) else None


def _source() -> str:
    plugins = "".join(f'\t_ "{_MODULE}/plugin/{name}"\n' for name in PLUGINS)
    imports = f'\t"{_MODULE}/coremain"\n{plugins}'
    return f"package main\n\nimport (\n{imports})\n\nfunc main() {{ coremain.Run() }}\n"


def build() -> int:
    """Builds it unless it is there; gives the exit code."""
    commands = (
        ["mod", "init", "small"],
        ["get", f"{_MODULE}@v{VERSION}"],
        # -mod=mod completes go.sum; tidy would fetch what only tests need, too.
        ["build", "-mod=mod", "-trimpath", "-ldflags=-s -w", "."],
    )
    return go_program.build(binary(), commands, {"main.go": _source()})


if __name__ == "__main__":
    sys.exit(build())

"""The control plane of Istio for tests, and the agent of its sidecars: ``python -m tools.istio``.

No package has them: they are built from the Go module of Istio with the ordinary ``go`` command,
into a cache outside the tree, by version: six to fifteen minutes of two processors and three
gigabytes of memory, once. The charts that make up an installation, and the template of a sidecar's
first configuration, are files of that module. Envoy itself is a package of the test environment.
"""

import json
import os
import shutil
import sys
from pathlib import Path

from tools import go_program
from tools.cluster_tools import cache, into_place, run

VERSION = "1.31"
_MODULE = "istio.io/istio"
_REVISION = "v0.0.0-20260827124520-eed52ebb66ad"
"""The module has no versions by tag; this is a commit of the branch of `VERSION`."""
_TEMPLATE = "tools/packaging/common/envoy_bootstrap.json"
_CHARTS = {"base": "base", "istiod": "istio-control/istio-discovery"}


def _folder() -> Path:
    return cache() / f"istio-{VERSION}-{_REVISION.rpartition('-')[2]}"


def pilot() -> Path:
    """Where istiod is, once it is built."""
    return _folder() / "pilot-discovery"


def agent() -> Path:
    """Where the agent of a sidecar is, once it is built."""
    return _folder() / "pilot-agent"


def files() -> Path:
    """Where the files of the module are."""
    return _folder() / "files"


def chart(name: str) -> Path:
    """The chart ``base`` or ``istiod``."""
    return files() / name


def bootstrap() -> Path:
    """The template of the configuration that a sidecar's Envoy starts with."""
    return files() / Path(_TEMPLATE).name


def is_complete() -> bool:
    """Whether all of it is there."""
    return files().is_dir() and all(os.access(one(), os.X_OK) for one in (pilot, agent))


def build() -> int:
    """Fetches and builds what is missing; gives the exit code."""
    if files().exists():
        print(f"{files()} is there")
    elif not into_place(files(), _fetch_files):
        return 1
    return _build_program(pilot()) or _build_program(agent())


def _fetch_files(draft: Path) -> None:
    found = run(["go", "mod", "download", "-json", f"{_MODULE}@{_REVISION}"], draft.parent)
    module = Path(json.loads(found)["Dir"])
    draft.mkdir()
    shutil.copy(module / _TEMPLATE, draft)
    for name, folder in _CHARTS.items():
        shutil.copytree(module / "manifests/charts" / folder, draft / name)


def _build_program(target: Path) -> int:
    program = f"{_MODULE}/pilot/cmd/{target.name}"
    # Configuration may be for the proxies of some versions only.
    flags = f"-ldflags=-s -w -X {_MODULE}/pkg/version.buildVersion={VERSION}"
    commands = (
        ["mod", "init", "istio"],
        # This fills go.sum for the whole program.
        ["get", "-tool", f"{program}@{_REVISION}"],
        ["build", "-trimpath", flags, program],
    )
    return go_program.build(target, commands, {})


if __name__ == "__main__":
    sys.exit(build())

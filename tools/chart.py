"""The Helm chart, and what is made of it: its README, and the manifests without Helm.

``python -m tools.chart`` writes them; for the manifests it needs the helm of
``tools.cluster_tools``.
"""

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

from keyhole.mesh.render import MARKS, MODES, render
from tools.cluster_tools import find_helm

ROOT = Path(__file__).resolve().parent.parent
CHART = ROOT / "deploy" / "helm" / "keyhole"
README = CHART / "README.md"
PACKAGED = ROOT / "python" / "keyhole" / "mesh" / "manifests"
MANIFESTS = ROOT / "deploy" / "manifests"
_COMMENT = re.compile(r"^( *)# ?(.*)$")
_KEY = re.compile(r"^( *)([A-Za-z]\w*):(.*)$")
_INTRODUCTION = """\
# Helm chart of Keyhole

Zero-trust DNS in a cluster: control, resolvers and forwarders, in an Istio mesh (`mode: sidecar` or
`mode: ambient`) or without one (`mode: plain`). [The guide](../../../docs/guides/kubernetes.md)
installs it. This page is made from `values.yaml` by `python -m tools.chart`.

| value | what it is | default |
|---|---|---|
"""


def template(values: Mapping[str, str], namespace: str = "keyhole", *, hooks: bool = True) -> str:
    """What helm renders; raises ``CalledProcessError`` with its words if it refuses."""
    program = find_helm()
    assert program is not None, "helm was not fetched"
    command = [str(program), "template", "keyhole", str(CHART), "--namespace", namespace]
    for name, value in values.items():
        command += ["--set", f"{name}={value}"]
    # No test pod: kubectl would start it once, at the first moment.
    command += [] if hooks else ["--no-hooks"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def with_marks(mode: str) -> str:
    """The manifests of a mode, with marks in place of what differs between clusters."""
    repository, _, tag = MARKS.image.partition(":")
    values = {
        "mode": mode,
        "namespace.create": "true",
        "image.repository": repository,
        "image.tag": tag,
        "addresses.control": MARKS.control,
        "addresses.resolver": MARKS.resolver,
        "addresses.forwarder": MARKS.forwarder,
        "mesh.trustDomain": MARKS.trust_domain,
    }
    text = template(values, MARKS.namespace, hooks=False)
    return text.replace(
        "app.kubernetes.io/managed-by: Helm", "app.kubernetes.io/managed-by: keyhole"
    )


def readme() -> str:
    """The page on the values, from the comments in ``values.yaml``."""
    rows = [
        f"| `{name}` | {text} | {f'`{default}`' if default else ''} |"
        for name, text, default in _documented()
    ]
    return _INTRODUCTION + "\n".join(rows) + "\n"


def _documented() -> Iterator[tuple[str, str, str]]:
    lines = (CHART / "values.yaml").read_text().splitlines()
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    comment: list[str] = []
    path: list[tuple[int, str]] = []
    for line in lines:
        if found := _COMMENT.match(line):
            comment.append(found[2])
        elif found := _KEY.match(line):
            indent = len(found[1])
            path = [one for one in path if one[0] < indent] + [(indent, found[2])]
            if comment:
                names = [name for _, name in path]
                yield ".".join(names), " ".join(comment), _shown(values, names)
            comment = []
        else:
            comment = []


def _shown(values: object, names: list[str]) -> str:
    for name in names:
        assert isinstance(values, dict)
        values = values[name]
    if isinstance(values, dict) and values:
        return ""
    if isinstance(values, list) and any(isinstance(one, dict) for one in values):
        return ", ".join(str(one["name"]) for one in values)
    written = str(yaml.safe_dump(values, default_flow_style=True, width=1000))
    return written.replace("\n...", "").strip()


def main() -> int:
    """Writes everything; gives the exit code."""
    README.write_text(readme())
    if find_helm() is None:
        print("chart: helm was not fetched (./dev test-tools), so the manifests stay as they are")
        return 0
    for mode in MODES:
        PACKAGED.mkdir(exist_ok=True)
        (PACKAGED / f"{mode}.yaml").write_text(with_marks(mode))
        target = MANIFESTS / mode / "keyhole.yaml"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(render(mode))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What a release consists of, from the three lock files. Nothing is asked of any registry."""

import base64
import json
import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.release.project import Project

_LINUX = {"sys_platform": "linux", "os_name": "posix", "platform_system": "Linux"}
_NEEDED_BY = re.compile(r"^    #(?: via)? +([A-Za-z0-9._-]+)")
_EXTENSION = "keyhole-py"
"""The crate that becomes the compiled core."""


@dataclass(frozen=True)
class Component:
    """One package of others in one version."""

    kind: str
    """The type of its package URL: pypi, cargo or npm."""
    name: str
    version: str
    digest: tuple[str, str] | None = None
    """Algorithm and digest in hexadecimal, where the lock has exactly one."""
    license: str | None = None
    needs: tuple[str, ...] = ()
    """Package URLs of what it depends on directly."""

    @property
    def purl(self) -> str:
        """Its package URL (ECMA-427)."""
        return package_url(self.kind, self.name, self.version)


def package_url(kind: str, name: str, version: str) -> str:
    """The package URL of one version; the scope of an npm package stands before its name."""
    return f"pkg:{kind}/{quote(name, safe='/')}@{quote(version, safe='')}"


def python_components(project: Project) -> list[Component]:
    """The packages of ``requirements/run.txt`` that Linux installs."""
    versions: dict[str, str] = {}
    needs: dict[str, set[str]] = {}
    text = (project.root / "requirements" / "run.txt").read_text()
    for name, version, parents in _requirements(text):
        versions[name] = version
        for parent in parents:
            needs.setdefault(canonicalize_name(parent), set()).add(name)
    return [
        Component(
            "pypi",
            name,
            version,
            needs=_urls("pypi", versions, needs.get(canonicalize_name(name), ())),
        )
        for name, version in sorted(versions.items())
    ]


def python_direct(project: Project) -> set[str]:
    """The names of the packages that Keyhole itself needs."""
    return {canonicalize_name(Requirement(one).name) for one in project.table["dependencies"]}


def page_direct(project: Project) -> set[str]:
    """The names of the packages that the sources of the page import."""
    return set(_npm_packages(project)[""]["dependencies"])


def _requirements(text: str) -> Iterator[tuple[str, str, list[str]]]:
    """Name, version and what needs it, of each requirement that holds on Linux."""
    blocks = re.split(r"(?m)^(?=[A-Za-z0-9])", text)
    for block in blocks[1:]:
        written = Requirement(block.split("\\\n", 1)[0].strip())
        if written.marker is None or _holds(written.marker):
            (pin,) = written.specifier
            parents = [found[1] for line in block.splitlines() if (found := _NEEDED_BY.match(line))]
            yield written.name, pin.version, parents


def _holds(marker: Marker) -> bool:
    return marker.evaluate({**_LINUX})


def rust_components(project: Project) -> list[Component]:
    """The crates that the compiled core is built of. The lock does not know which crates are for
    tests alone, so those of our own crates are left out by their manifests."""
    packages = tomllib.loads((project.root / "Cargo.lock").read_text())["package"]
    crates = {f"{one['name']} {one['version']}": one for one in packages}
    newest = {one["name"]: key for key, one in crates.items()}
    # The lock names a version only where there are several.
    needs = {
        key: [
            word if word in crates else newest[word.split(" ")[0]]
            for word in one.get("dependencies", ())
            if "source" in one or word.split(" ")[0] in _built_in(project, one["name"])
        ]
        for key, one in crates.items()
    }
    reached = _reach(needs, newest[_EXTENSION])
    return [
        Component(
            "cargo",
            crates[key]["name"],
            crates[key]["version"],
            digest=("SHA-256", crates[key]["checksum"]) if "checksum" in crates[key] else None,
            needs=tuple(sorted(_crate_url(crates[one]) for one in needs[key])),
        )
        for key in sorted(reached)
    ]


def _crate_url(crate: dict[str, Any]) -> str:
    return package_url("cargo", crate["name"], crate["version"])


def _built_in(project: Project, crate: str) -> set[str]:
    """The crates that one of our own crates is built of."""
    folder = project.root / "crates" / crate.removeprefix("keyhole-")
    manifest = tomllib.loads((folder / "Cargo.toml").read_text())
    return {*manifest.get("dependencies", {}), *manifest.get("build-dependencies", {})}


def _reach(needs: dict[str, list[str]], start: str) -> set[str]:
    reached, waiting = set(), [start]
    while waiting:
        if (one := waiting.pop()) not in reached:
            reached.add(one)
            waiting += needs[one]
    return reached


def page_components(project: Project) -> list[Component]:
    """The npm packages that the page may contain: all but those for its build and its tests."""
    found = {
        path: one
        for path, one in _npm_packages(project).items()
        if path and not one.get("dev") and not one.get("devOptional")
    }
    return [
        Component(
            "npm",
            _npm_name(path),
            one["version"],
            digest=_integrity(one.get("integrity")),
            license=one.get("license"),
            needs=tuple(sorted(_npm_needs(path, one, found))),
        )
        for path, one in sorted(found.items())
    ]


def _npm_packages(project: Project) -> dict[str, Any]:
    """The packages by the folders that npm installs them into; that of the page is empty."""
    lock = json.loads((project.root / "web" / "package-lock.json").read_text())
    packages: dict[str, Any] = lock["packages"]
    return packages


def _npm_name(path: str) -> str:
    return path.rpartition("node_modules/")[2]


def _npm_needs(path: str, one: dict[str, Any], found: dict[str, Any]) -> Iterator[str]:
    """What Node would load for each dependency: the copy in the nearest folder."""
    for name in (*one.get("dependencies", {}), *one.get("peerDependencies", {})):
        folder = f"{path}/"
        while folder:
            if (nearest := f"{folder}node_modules/{name}") in found:
                break
            folder = folder.rstrip("/").rpartition("node_modules/")[0]
        nearest = f"{folder}node_modules/{name}"
        if nearest in found:
            yield package_url("npm", name, found[nearest]["version"])


def _integrity(written: str | None) -> tuple[str, str] | None:
    if not written or not written.startswith("sha512-"):
        return None
    return "SHA-512", base64.b64decode(written.removeprefix("sha512-")).hex()


def _urls(kind: str, versions: dict[str, str], names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(package_url(kind, name, versions[name]) for name in names))

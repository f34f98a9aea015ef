"""The bill of materials in CycloneDX 1.6 JSON (ECMA-424): what a release contains, to the version.

It depends on the lock files and the commit alone.
"""

import json
import uuid
from collections.abc import Container, Sequence
from datetime import UTC, datetime
from typing import Any

from tools.release.locks import (
    Component,
    package_url,
    page_components,
    page_direct,
    python_components,
    python_direct,
    rust_components,
)
from tools.release.project import Project

_OWN = ("keyhole-wire", "keyhole-names", "keyhole-lists", "keyhole-core", "keyhole-py")
_CORE = "keyhole-py"


def bill_of_materials(project: Project) -> bytes:
    """The document, with its dependency graph."""
    python, rust, page = (
        python_components(project),
        rust_components(project),
        page_components(project),
    )
    root = package_url("pypi", project.name, project.version)
    direct = [
        *_named(python, python_direct(project)),
        *_named(rust, {_CORE}),
        *_named(page, page_direct(project)),
    ]
    components = _once([*python, *rust, *page])
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(project.epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "lifecycles": [{"phase": "build"}],
            "component": {
                "type": "application",
                "bom-ref": root,
                "name": project.name,
                "version": project.version,
                "purl": root,
                "licenses": [{"license": {"id": project.table["license"]}}],
            },
        },
        "components": [_component(one) for one in components],
        "dependencies": [
            {"ref": root, "dependsOn": sorted(set(direct))},
            *({"ref": one.purl, "dependsOn": sorted(set(one.needs))} for one in components),
        ],
    }
    # The same content has the same number, and another content another one.
    number = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(document, sort_keys=True))
    return (
        json.dumps({**document, "serialNumber": f"urn:uuid:{number}"}, indent=1) + "\n"
    ).encode()


def _named(components: Sequence[Component], names: Container[str]) -> list[str]:
    return [one.purl for one in components if one.name in names]


def _once(components: Sequence[Component]) -> list[Component]:
    """One of each package URL: npm may install one version into several folders."""
    found: dict[str, Component] = {}
    for one in components:
        found.setdefault(one.purl, one)
    return [found[url] for url in sorted(found)]


def _component(one: Component) -> dict[str, Any]:
    scope, _, name = one.name.rpartition("/")
    document: dict[str, Any] = {
        "type": "library",
        "bom-ref": one.purl,
        **({"group": scope} if scope else {}),
        "name": name,
        "version": one.version,
        "purl": one.purl,
    }
    if one.digest is not None:
        document["hashes"] = [{"alg": one.digest[0], "content": one.digest[1]}]
    license_ = "Apache-2.0" if one.name in _OWN else one.license
    if license_ is not None:
        document["licenses"] = [{"expression": license_}]
    return document

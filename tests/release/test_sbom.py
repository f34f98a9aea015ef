"""The bill of materials has everything that is shipped, in its locked version, and nothing else."""

import json
import re
import tomllib
from importlib.metadata import version
from typing import Any

import pytest
from packaging.utils import canonicalize_name

from tools.release.project import ROOT, Project
from tools.release.sbom import bill_of_materials


@pytest.fixture(scope="module")
def bill() -> dict[str, Any]:
    """The document of this checkout."""
    document: dict[str, Any] = json.loads(bill_of_materials(Project()))
    return document


def _names(bill: dict[str, Any], kind: str) -> dict[str, str]:
    return {
        "/".join(filter(None, (one.get("group"), one["name"]))): one["version"]
        for one in bill["components"]
        if one["purl"].startswith(f"pkg:{kind}/")
    }


def test_python_packages_are_those_that_run(bill: dict[str, Any]) -> None:
    found = _names(bill, "pypi")
    for name in ("duckdb", "cryptography", "psycopg-binary", "tzdata"):
        assert found[name] == version(name)
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    for one in wanted:
        name = re.split(r"[\[<>=]", one)[0]
        assert canonicalize_name(name) in {canonicalize_name(each) for each in found}
    # For tests, and for another system.
    assert not found.keys() & {"pytest", "ruff", "maturin", "colorama", "httpx2-jsfetch"}


def test_crates_are_those_that_the_core_is_built_of(bill: dict[str, Any]) -> None:
    found = _names(bill, "cargo")
    assert found.keys() >= {"keyhole-py", "keyhole-core", "rustls", "tokio", "aws-lc-sys"}
    assert not found.keys() & {"proptest", "criterion"}
    rustls = next(one for one in bill["components"] if one["purl"].startswith("pkg:cargo/rustls@"))
    assert re.fullmatch(r"[0-9a-f]{64}", rustls["hashes"][0]["content"])
    assert f'checksum = "{rustls["hashes"][0]["content"]}"' in (ROOT / "Cargo.lock").read_text()


def test_packages_of_the_page_are_those_that_browsers_get(bill: dict[str, Any]) -> None:
    found = _names(bill, "npm")
    assert found.keys() >= {"svelte", "@codemirror/view", "uplot"}
    assert not found.keys() & {"vite", "vitest", "eslint", "typescript"}
    svelte = next(one for one in bill["components"] if one["purl"].startswith("pkg:npm/svelte@"))
    assert svelte["hashes"][0]["alg"] == "SHA-512"
    assert len(svelte["hashes"][0]["content"]) == 128
    assert svelte["licenses"] == [{"expression": "MIT"}]


def test_the_graph_leads_from_keyhole_to_each_component(bill: dict[str, Any]) -> None:
    needs = {one["ref"]: one["dependsOn"] for one in bill["dependencies"]}
    known = [one["bom-ref"] for one in bill["components"]]
    assert len(known) == len(set(known))
    assert needs.keys() == {*known, bill["metadata"]["component"]["bom-ref"]}
    reached, waiting = set(), [bill["metadata"]["component"]["bom-ref"]]
    while waiting:
        if (one := waiting.pop()) not in reached:
            reached.add(one)
            waiting += needs[one]
    assert set(known) - reached == set()


def test_it_names_no_machine_and_no_moment_but_that_of_the_commit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    octets = bill_of_materials(Project())
    document = json.loads(octets)
    assert document["metadata"]["timestamp"] == "2023-11-14T22:13:20Z"
    assert octets == bill_of_materials(Project())
    assert str(ROOT).encode() not in octets
    assert b"file:" not in octets
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000060")
    assert json.loads(bill_of_materials(Project()))["serialNumber"] != document["serialNumber"]

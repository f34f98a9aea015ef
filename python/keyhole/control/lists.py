"""Compiles lists for the snapshot, and for people who want to look into them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from keyhole.config import Documents
from keyhole.control.data import DataFolder
from keyhole.control.error import ControlError
from keyhole.engine import compile_list, search_list
from keyhole.errors import Problem
from keyhole.model.snapshot import ListFile
from keyhole.policy import lists_in_use, protected_names

_VERSION = 1


def compile_lists_in_use(
    documents: Documents, data: DataFolder, own_names: Sequence[str]
) -> tuple[ListFile | None, list[Problem]]:
    """Compiles the lists that a policy uses into the state folder, named by their content."""
    lists = lists_in_use(documents)
    if not lists:
        return None, []
    draft = data.state / "lists.draft"
    request = {
        "version": _VERSION,
        "output": str(draft),
        "protected": list(protected_names(documents, own_names)),
        "lists": [
            {
                "name": one.name,
                "kind": one.spec.kind,
                "files": [
                    {"path": str(one.beside(file)), "format": one.spec.format}
                    for file in one.spec.files
                ],
            }
            for one in lists
        ],
    }
    report = json.loads(compile_list(json.dumps(request).encode()))
    final = data.state.resolve() / f"lists-{report['sha256']}.khl"
    draft.replace(final)
    return ListFile(path=str(final), sha256=report["sha256"]), []


def compile_files(files: Sequence[Path], form: str, output: Path | None) -> dict[str, Any]:
    """Compiles files as one list each, and gives the report of the core."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="keyhole-lists-") as folder:
        request = {
            "version": _VERSION,
            "output": str(output or Path(folder) / "lists.khl"),
            "protected": [],
            "lists": [
                {
                    "name": file.stem,
                    "kind": "block",
                    "files": [{"path": str(file), "format": form}],
                }
                for file in files
            ],
        }
        report: dict[str, Any] = json.loads(compile_list(json.dumps(request).encode()))
        return report


def search_name(data: DataFolder, name: str) -> dict[str, Any]:
    """Finds every entry of the lists in force that speaks of the name."""
    try:
        snapshot = json.loads(data.snapshot.read_bytes())
    except FileNotFoundError:
        raise ControlError(
            f"{data.path} has no snapshot yet; run keyhole up once, or give --data"
        ) from None
    listed = snapshot["list_file"]
    if listed is None:
        return {"name": name, "hits": []}
    request = {"version": _VERSION, **listed, "name": name}
    found: dict[str, Any] = json.loads(search_list(json.dumps(request).encode()))
    return found

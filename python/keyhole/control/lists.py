"""Compiles and searches lists, for the snapshot and for commands."""

import hashlib
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from keyhole.config import Documents
from keyhole.control.data_folder import DataFolder
from keyhole.control.declared import declared_paths
from keyhole.control.error import ControlError
from keyhole.control.settings import read_settings
from keyhole.engine import compile_list, search_list
from keyhole.lists import CompiledLists, compile_lists
from keyhole.model.idn import fold
from keyhole.policy import lists_in_use, load_documents, protected_names
from keyhole.system.regular_file import open_regular, read_whole

_VERSION = 1


def compile_lists_in_use(
    documents: Documents,
    own_names: Sequence[str],
    state: Path,
    *,
    downloads: Path | None = None,
) -> CompiledLists | None:
    """Compiles the lists that a policy uses into the state folder; none if no list is used.

    ``downloads`` is the state folder with the downloaded lists, if it is another one.
    """
    lists = lists_in_use(documents)
    protected = protected_names(documents, own_names)
    compiled = compile_lists(lists, protected, state, compile_list, downloads=downloads)
    if compiled is None or not compiled.is_reused or _is_whole(compiled):
        return compiled
    # The file of the last compilation is damaged: compile again.
    Path(compiled.file.path).unlink()
    return compile_lists(lists, protected, state, compile_list, downloads=downloads)


def compile_folder(data: DataFolder, config: Path | None = None) -> dict[str, Any]:
    """Compiles the lists that the documents of a data folder use; returns the report."""
    settings = read_settings(existing_settings(data, config))
    own_names = settings.resolved.own_names
    over = data.stored_folders
    documents, _ = load_documents(declared_paths(settings, data), own_names, over=over)
    compiled = compile_lists_in_use(documents, own_names, data.state)
    if compiled is None:
        raise ControlError(
            f"no policy in {settings.documents} uses a list; declare a List and name it in the "
            "policy's lists, or give files to compile"
        )
    return compiled.report.model_dump()


def compile_files(files: Sequence[Path], form: str, output: Path | None) -> dict[str, Any]:
    """Compiles each file as a block list of its own; returns the report."""
    with tempfile.TemporaryDirectory(prefix="keyhole-lists-") as folder:
        lists = [
            {"name": file.stem, "files": [{"path": str(file), "format": form}]} for file in files
        ]
        request = {
            "version": _VERSION,
            "output": str(output or Path(folder) / "lists.khl"),
            "protected": [],
            "lists": lists,
        }
        report: dict[str, Any] = json.loads(compile_list(json.dumps(request).encode()))
        return report


def search_name(data: DataFolder, name: str) -> dict[str, Any]:
    """Finds every entry that matches the name, in any script, in the lists in force."""
    name = fold(name)
    try:
        snapshot = json.loads(read_whole(data.snapshot))
    except FileNotFoundError:
        raise ControlError(
            f"{data.path} has no snapshot yet; run keyhole up once, or give --data"
        ) from None
    except ValueError:
        raise ControlError(
            f"{data.snapshot} is damaged; keyhole up makes it again when it starts"
        ) from None
    listed = snapshot["list_file"]
    if listed is None:
        return {"name": name, "hits": []}
    request = {"version": _VERSION, **listed, "name": name}
    found: dict[str, Any] = json.loads(search_list(json.dumps(request).encode()))
    return found


def existing_settings(data: DataFolder, config: Path | None) -> Path:
    """The settings file; raises ``ControlError`` with advice if there is none."""
    file = config or data.config
    if not file.exists():
        raise ControlError(
            f"{file} does not exist; run keyhole up once, or give --data with the folder of a "
            "Keyhole that ran"
        )
    return file


def _is_whole(compiled: CompiledLists) -> bool:
    try:
        with open_regular(Path(compiled.file.path)) as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == compiled.file.sha256
    except OSError:
        return False

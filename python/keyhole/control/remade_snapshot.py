"""Makes the last good snapshot again where its files are gone, without the documents as a whole.

The documents may not be valid just then. What they gave last is kept once more beside the snapshot,
and the compiled lists can be made again from the sources that are there.
"""

import hashlib
from dataclasses import replace
from pathlib import Path

from keyhole.config import read_documents
from keyhole.config.declaration import Declaration
from keyhole.control.compile import Compiled
from keyhole.control.data_folder import DataFolder
from keyhole.control.declared import declared_paths
from keyhole.control.error import ControlError
from keyhole.control.settings import Settings
from keyhole.engine import compile_list
from keyhole.lists import compile_lists
from keyhole.model.list import ListSpec
from keyhole.model.snapshot import ListFile, Snapshot
from keyhole.policy import protected_names
from keyhole.system.regular_file import open_regular


def with_lists(settings: Settings, data: DataFolder, compiled: Compiled) -> Compiled:
    """It with a file of compiled lists that is there and whole; made again if it is not.

    Raises ``KeyholeError`` where a list cannot be compiled: without it, what it blocks would be
    open.
    """
    file = compiled.plain.list_file
    if file is None or _is_whole(file):
        return compiled
    made = _compile(settings, data, compiled.plain)
    return replace(
        compiled,
        plain=compiled.plain.model_copy(update={"list_file": made}),
        snapshot=compiled.snapshot.model_copy(update={"list_file": made}),
    )


def _compile(settings: Settings, data: DataFolder, snapshot: Snapshot) -> ListFile:
    documents, _ = read_documents([*declared_paths(settings, data), *data.stored_folders])
    declared = {one.name: one for one in documents.lists}
    lists: list[Declaration[ListSpec]] = []
    for one in snapshot.lists:
        if one.name not in declared:
            raise ControlError(f"the compiled lists are gone, and List {one.name} with them")
        spec = declared[one.name].spec.model_copy(update={"kind": one.kind})
        lists.append(replace(declared[one.name], spec=spec))
    protected = protected_names(documents, settings.resolved.own_names)
    if snapshot.list_file is not None:
        # A damaged one would be used again.
        Path(snapshot.list_file.path).unlink(missing_ok=True)
    made = compile_lists(lists, protected, data.state, compile_list)
    if made is None or not _is_whole(made.file):
        raise ControlError("the compiled lists are gone, and could not be made again")
    return made.file


def _is_whole(file: ListFile) -> bool:
    try:
        with open_regular(Path(file.path)) as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest() == file.sha256
    except OSError:
        return False

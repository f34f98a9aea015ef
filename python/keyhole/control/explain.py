"""The use case behind ``keyhole explain``."""

import tempfile
from pathlib import Path
from typing import Any

from keyhole.control.compile import compile_all
from keyhole.control.data import DataFolder
from keyhole.control.lists import existing_settings
from keyhole.control.settings import read_settings
from keyhole.engine import explain


def explain_name(
    data: DataFolder,
    name: str,
    kind: str,
    transport: str,
    *,
    config: Path | None = None,
    documents: Path | None = None,
) -> dict[str, Any]:
    """Compiles the documents as they are on the disk and walks the question through them.

    Raises ``DocumentErrors`` when they are not valid, ``ControlError`` when there is nothing to
    explain with, and ``Refusal`` for a name or type that is none.
    """
    settings = read_settings(existing_settings(data, config))
    with tempfile.TemporaryDirectory(prefix="keyhole-explain-") as folder:
        # A draft must not touch what the running Keyhole remembers of its lists.
        scratch = DataFolder(Path(folder)) if documents else data
        scratch.make()
        compiled = compile_all(settings, scratch, documents=documents)
        return explain(compiled.octets, name, kind.upper(), transport)

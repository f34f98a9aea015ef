"""The use case behind ``keyhole explain``."""

from pathlib import Path
from typing import Any

from keyhole.control.compile import compile_all
from keyhole.control.data import DataFolder
from keyhole.control.error import ControlError
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
    file = config or data.config
    if not file.exists():
        raise ControlError(
            f"{file} does not exist; run keyhole up once, or give --data with the folder of a "
            "Keyhole that ran"
        )
    data.make()
    compiled = compile_all(read_settings(file), data, documents=documents)
    return explain(compiled.octets, name, kind.upper(), transport)

"""Writes the JSON schemas of the config, the documents, the snapshot and the options.

``python -m keyhole.config.schema FOLDER`` writes them; with ``--check`` it changes nothing, and the
exit code is 1 if a file is out of date.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from keyhole.config.sections import Config
from keyhole.model.document import KINDS, document_model
from keyhole.model.options import Options
from keyhole.model.snapshot import Snapshot

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schemas() -> Iterator[tuple[str, str]]:
    """The name and the text of each file."""
    yield "config.schema.json", _text(Config)
    for kind in KINDS:
        yield f"{kind.lower()}.schema.json", _text(document_model(kind))
    yield "documents.schema.json", _dump(_any_document())
    yield "snapshot.schema.json", _text(Snapshot)
    yield "options.schema.json", _text(Options)


def stale(folder: Path) -> list[str]:
    """The names of the files in ``folder`` that are missing or out of date."""
    return [
        name
        for name, text in schemas()
        if not (folder / name).is_file() or (folder / name).read_text() != text
    ]


def write(folder: Path) -> None:
    """Writes all files into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in schemas():
        (folder / name).write_text(text)


def main(arguments: Sequence[str]) -> int:
    """The command; returns the exit code."""
    folders = [Path(one) for one in arguments if one != "--check"]
    if len(folders) != 1:
        print("usage: python -m keyhole.config.schema [--check] FOLDER", file=sys.stderr)
        return 2
    if "--check" not in arguments:
        write(folders[0])
        return 0
    old = stale(folders[0])
    for name in old:
        print(f"{folders[0] / name} is out of date; run ./dev gen", file=sys.stderr)
    return 1 if old else 0


def _text(model: type[BaseModel]) -> str:
    return _dump({"$schema": _DIALECT, **model.model_json_schema(by_alias=True)})


def _any_document() -> dict[str, Any]:
    files = [f"{kind.lower()}.schema.json" for kind in KINDS]
    return {
        "$schema": _DIALECT,
        "title": "Documents",
        "description": "One document of any kind.",
        "oneOf": [{"$ref": name} for name in files],
    }


def _dump(schema: dict[str, Any]) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

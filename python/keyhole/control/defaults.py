"""The files that ``keyhole up`` writes into an empty data folder."""

from pathlib import Path

from keyhole.config import default_config_text
from keyhole.control.data_folder import DataFolder, rename_durably, write_durably
from keyhole.policy import default_documents
from keyhole.system.durable import SHARED_FILE


def write_defaults(data: DataFolder) -> list[Path]:
    """Writes commented settings and documents if there are none; returns the paths written.

    Never changes an existing file.
    """
    written = []
    if not data.config.exists():
        write_durably(data.config, default_config_text().encode(), SHARED_FILE)
        written.append(data.config)
    documents = data.path / "documents"
    if not documents.exists():
        written += _write_documents(documents)
    return written


def _write_documents(folder: Path) -> list[Path]:
    """All of them or none: a start that is killed in between leaves no folder of documents."""
    draft = folder.with_name("documents.draft")
    draft.mkdir(exist_ok=True)
    for name, text in default_documents().items():
        write_durably(draft / name, text.encode(), SHARED_FILE)
    rename_durably(draft, folder)
    return [folder / name for name in default_documents()]

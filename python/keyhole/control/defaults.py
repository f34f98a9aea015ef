"""The files that ``keyhole up`` writes into an empty data folder."""

from pathlib import Path

from keyhole.config import default_config_text
from keyhole.control.data_folder import DataFolder, write_durably
from keyhole.policy import default_documents
from keyhole.system.durable import SHARED_FILE


def write_defaults(data: DataFolder) -> list[Path]:
    """Writes commented settings and documents if there are none; returns the paths written.

    Never changes an existing file.
    """
    missing: dict[Path, str] = {}
    if not data.config.exists():
        missing[data.config] = default_config_text()
    documents = data.path / "documents"
    if not documents.exists():
        documents.mkdir()
        missing |= {documents / name: text for name, text in default_documents().items()}
    for path, text in missing.items():
        write_durably(path, text.encode(), SHARED_FILE)
    return list(missing)

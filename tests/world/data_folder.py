"""A data folder without a Keyhole on it."""

from pathlib import Path

from keyhole.control.data_folder import DataFolder
from keyhole.control.defaults import write_defaults
from keyhole.identity import Authority
from keyhole.store import Database


def idle_folder(path: Path) -> DataFolder:
    """A data folder that was used: default documents, an authority and a database."""
    data = DataFolder(path)
    data.make()
    write_defaults(data)
    Authority.open(data.identity)
    Database.in_file(data.database).close()
    return data

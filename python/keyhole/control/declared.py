"""Where documents are declared: the documents folder, and the copy of those in Kubernetes."""

from pathlib import Path

from keyhole.config.files import BESIDE, COPY
from keyhole.control.data_folder import DataFolder
from keyhole.control.error import ControlError
from keyhole.control.settings import Settings

KUBERNETES_FILE = "kubernetes "
"""How a name begins that messages give in the place of a file."""


class NotReadError(ControlError):
    """The documents in Kubernetes were never read."""


def declared_paths(settings: Settings, data: DataFolder) -> list[Path]:
    """The places of all declared documents that can be read; of two with one name, the earlier
    place counts, and the other one is an error."""
    is_there = settings.written.kubernetes.watch and has_copy(data)
    return [settings.documents, *([data.kubernetes] if is_there else [])]


def has_copy(data: DataFolder) -> bool:
    """Whether there is a copy of the documents in Kubernetes."""
    return (data.kubernetes / BESIDE).is_symlink() and (data.kubernetes / COPY).is_file()


def is_unread(settings: Settings, data: DataFolder) -> bool:
    """Whether there is none and there should be."""
    return settings.written.kubernetes.watch and not has_copy(data)


def refuse_unread(settings: Settings, data: DataFolder) -> None:
    """Raises `NotReadError` where there is none and there should be: without these documents,
    policies would be gone although nobody removed them."""
    if is_unread(settings, data):
        raise NotReadError(
            "the documents in Kubernetes have not been read yet; they are as soon as the API "
            "server answers"
        )

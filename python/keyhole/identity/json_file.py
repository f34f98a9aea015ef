"""The JSON files of the identity folder: strict reading, atomic writing."""

from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from keyhole.identity.error import IdentityError
from keyhole.identity.files import PRIVATE_FILE, write_whole
from keyhole.model.field_types import Boundary
from keyhole.system.installation import remember_file, was_there
from keyhole.system.regular_file import read_whole

Document = TypeVar("Document", bound=Boundary)


def read_document(path: Path, model: type[Document]) -> Document:
    """Reads the file; returns an empty document if there never was one.

    Raises :class:`IdentityError` for a file that is gone or unreadable and for an unknown field:
    ignoring one could mean trusting a revoked identity.
    """
    try:
        octets = read_whole(path)
    except FileNotFoundError:
        if was_there(path):
            raise IdentityError(
                f"{path} is gone; restore it from a backup (keyhole restore), or let keyhole "
                "setup --new say what is lost and go on without it"
            ) from None
        return model()
    except OSError as error:
        raise IdentityError(f"{path} cannot be read: {error.strerror}") from error
    try:
        return model.model_validate_json(octets)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        where = f"{path}: {place}" if place else str(path)
        raise IdentityError(f"{where}: {_why(first)}") from None


def write_document(path: Path, document: Boundary) -> None:
    """Replaces the file atomically, with mode 0600."""
    write_whole(path, document.model_dump_json(indent=1).encode() + b"\n", PRIVATE_FILE)
    remember_file(path)


def _why(error: ErrorDetails) -> str:
    message = error["msg"].lower()
    match error["type"]:
        case "extra_forbidden":
            return "unknown to this version; remove it, or use the version that wrote the file"
        case "missing":
            return "this field is missing"
        case "json_invalid":
            return f"not JSON ({message}); restore it from a backup (keyhole restore)"
        case "value_error":
            return str(error["ctx"]["error"])
    return message

"""The one type of every field that names a file.

Where documents come from decides which files they may name: those in the machine's own folder may
name any, those that arrive by API only regular files below that folder.
"""

from collections.abc import Iterator
from typing import Annotated, Any, Final

from pydantic import BaseModel

from keyhole.model.field_types import FieldType, text_of

MAX_LENGTH: Final = 1024
Location = tuple[int | str, ...]


class DocumentFile(str):
    """A path as written in a document; only its ``Declaration`` knows where it leads."""

    __slots__ = ()

    @property
    def outside(self) -> str | None:
        """Why the path may leave its folder, by its text alone; none if it cannot."""
        if self.startswith(("/", "~")):
            return "is an absolute path"
        if ".." in self.split("/"):
            return "leaves the folder by .."
        return None


class SecretFile(DocumentFile):
    """A file with a key, or with what belongs to a key."""

    __slots__ = ()


def _read(kind: type[DocumentFile]) -> FieldType:
    def read(written: object) -> DocumentFile:
        text = text_of(written)
        if not text.strip():
            raise ValueError("no file is named here; write its path")
        if len(text) > MAX_LENGTH or not text.isprintable():
            raise ValueError(
                f"this is not the path of a file; give at most {MAX_LENGTH} printable characters"
            )
        return kind(text)

    return FieldType(read, {"type": "string", "minLength": 1, "maxLength": MAX_LENGTH})


File = Annotated[DocumentFile, _read(DocumentFile)]
"""A file that is no secret."""
KeyFile = Annotated[SecretFile, _read(SecretFile)]
"""A file that only documents in the machine's own folder may name."""


def files_of(value: Any) -> Iterator[tuple[Location, DocumentFile]]:
    """Every file that a spec names, with the keys that lead to it."""
    if isinstance(value, DocumentFile):
        yield (), value
    elif isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            for place, file in files_of(getattr(value, name)):
                yield (field.alias or name, *place), file
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            for place, file in files_of(item):
                yield (index, *place), file

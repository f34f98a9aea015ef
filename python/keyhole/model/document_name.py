"""Names of documents."""

import re

from keyhole.model.field_types import FieldType, text_of

_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
_MAX_NAME = 63


def read_document_name(written: object) -> str:
    """The name of a document, with the rules of Kubernetes."""
    text = text_of(written)
    if not _NAME.fullmatch(text) or len(text) > _MAX_NAME:
        raise ValueError(
            f"{text[:80] or 'nothing'} is not a name for a document; use lower-case letters, "
            f"digits, - and . inside, at most {_MAX_NAME} characters"
        )
    return text


DOCUMENT_NAME = FieldType(
    read_document_name, {"type": "string", "pattern": f"^{_NAME.pattern}$", "maxLength": _MAX_NAME}
)

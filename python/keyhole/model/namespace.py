"""Names of namespaces of Kubernetes."""

import re

from keyhole.model.field_types import FieldType, text_of

_NAME = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")


def read_namespace(written: object) -> str:
    """The name of a namespace: a label as in RFC 1123."""
    text = text_of(written)
    if not _NAME.fullmatch(text):
        raise ValueError(
            f"{text!r} is no name of a namespace; give 1 to 63 lower-case letters, digits and "
            "hyphens, such as keyhole"
        )
    return text


NAMESPACE = FieldType(
    read_namespace,
    {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$", "examples": ["keyhole"]},
)

"""The frame of every document: apiVersion, kind, metadata, spec."""

import re
from typing import Annotated, Any, Literal

from pydantic import Field, create_model

from keyhole.model.list import ListSpec
from keyhole.model.policy import PolicySpec
from keyhole.model.record import RecordSpec
from keyhole.model.upstream import UpstreamSpec
from keyhole.model.written import Spec, Written, text_of

API_VERSION = "keyhole.dev/v1"
KINDS: dict[str, type[Spec]] = {
    "Policy": PolicySpec,
    "List": ListSpec,
    "Upstream": UpstreamSpec,
    "Record": RecordSpec,
}

_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
_MAX_NAME = 63


def read_document_name(written: object) -> str:
    """The name of a document, as Kubernetes has them."""
    text = text_of(written)
    if not _NAME.fullmatch(text) or len(text) > _MAX_NAME:
        raise ValueError(
            f"{text[:80] or 'nothing'} is not a name for a document; use lower-case letters, "
            f"digits, - and . inside, at most {_MAX_NAME} characters"
        )
    return text


DOCUMENT_NAME = Written(
    read_document_name, {"type": "string", "pattern": f"^{_NAME.pattern}$", "maxLength": _MAX_NAME}
)


class Metadata(Spec):
    """What a document is called."""

    name: Annotated[str, DOCUMENT_NAME] = Field(
        description="The name, unique among the documents of its kind."
    )


def document_model(kind: str) -> type[Spec]:
    """The model of a whole document of this kind."""
    return _MODELS[kind]


def _model(kind: str, spec: type[Spec]) -> type[Spec]:
    fields: dict[str, Any] = {
        "api_version": (
            Literal[API_VERSION],
            Field(description="The version of the form of documents."),
        ),
        "kind": (Literal[kind], Field(description="What the document declares.")),
        "metadata": (Metadata, Field(description="What the document is called.")),
        "spec": (spec, Field(description=spec.__doc__)),
    }
    return create_model(kind, __base__=Spec, __doc__=spec.__doc__, **fields)


_MODELS = {kind: _model(kind, spec) for kind, spec in KINDS.items()}

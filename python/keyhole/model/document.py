"""The frame of every document: apiVersion, kind, metadata, spec."""

from typing import Annotated, Any, Literal

from pydantic import Field, create_model

from keyhole.model.client import ClientSpec
from keyhole.model.document_name import DOCUMENT_NAME
from keyhole.model.field_types import Spec
from keyhole.model.list import ListSpec
from keyhole.model.log_exclusion import LogExclusionSpec
from keyhole.model.policy import PolicySpec
from keyhole.model.record import RecordSpec
from keyhole.model.trust_domain import TrustDomainSpec
from keyhole.model.upstream import UpstreamSpec

API_VERSION = "keyhole.dev/v1"
KINDS: dict[str, type[Spec]] = {
    "Policy": PolicySpec,
    "List": ListSpec,
    "Upstream": UpstreamSpec,
    "Record": RecordSpec,
    "Client": ClientSpec,
    "TrustDomain": TrustDomainSpec,
    "LogExclusion": LogExclusionSpec,
}


class Metadata(Spec):
    """The metadata of a document."""

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
            Field(description="The version of the document format."),
        ),
        "kind": (Literal[kind], Field(description="The kind of the document.")),
        "metadata": (Metadata, Field(description="The name of the document.")),
        "spec": (spec, Field(description=spec.__doc__)),
    }
    return create_model(kind, __base__=Spec, __doc__=spec.__doc__, **fields)


_MODELS = {kind: _model(kind, spec) for kind, spec in KINDS.items()}

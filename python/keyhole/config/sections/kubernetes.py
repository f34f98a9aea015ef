"""The section ``kubernetes`` of ``keyhole.yaml``: documents as objects of Kubernetes."""

from typing import Annotated

from pydantic import Field, field_validator, model_validator

from keyhole.model.document_name import DOCUMENT_NAME
from keyhole.model.field_types import FLAG, FieldType, Section, error_at
from keyhole.model.namespace import NAMESPACE, read_namespace
from keyhole.model.spiffe import TRUST_DOMAIN

EVERY = "*"
"""In the place of a namespace: all of them."""


def _read_place(written: object) -> str:
    return EVERY if written == EVERY else read_namespace(written)


_PLACE = FieldType(_read_place, {"type": "string", "examples": ["shop", EVERY]})


class KubernetesSection(Section):
    """Documents that are objects of Kubernetes, of the kinds that ``deploy/helm/keyhole`` defines.

    They count like those of the documents folder. People of other namespaces write policies for the
    service accounts of their own namespace alone.
    """

    watch: Annotated[bool, FLAG] = Field(
        False, description="Whether the API server is watched for them."
    )
    kubeconfig: str | None = Field(
        None,
        min_length=1,
        description="File that says how to reach the cluster, beside this file; the service "
        "account of the pod if left out.",
    )
    namespace: Annotated[str, NAMESPACE] = Field(
        "keyhole",
        description="Keyhole's own namespace. Its documents may speak of everybody.",
    )
    namespaces: tuple[Annotated[str, _PLACE], ...] = Field(
        (),
        max_length=200,
        description="Other namespaces whose people may write documents, for their own service "
        "accounts; * for all.",
    )
    include: tuple[Annotated[str, DOCUMENT_NAME], ...] = Field(
        (),
        max_length=32,
        description="Policies of this Keyhole that each policy of another namespace includes. "
        "Their important block rules win over all that it allows.",
    )
    upstreams: tuple[Annotated[str, DOCUMENT_NAME], ...] = Field(
        (),
        max_length=32,
        description="The upstreams that policies of other namespaces ask; all if left out.",
    )
    trust_domains: tuple[Annotated[str, TRUST_DOMAIN], ...] = Field(
        (),
        max_length=32,
        description="The trust domains in which ns/NAME in a SPIFFE ID is a namespace of this "
        "cluster; needed with namespaces.",
    )

    @field_validator("namespaces")
    @classmethod
    def _all_or_some(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if EVERY in value and len(value) > 1:
            raise ValueError(f"{EVERY} has all namespaces already; take the others out")
        return value

    @model_validator(mode="after")
    def _says_whose_they_are(self) -> "KubernetesSection":
        if self.namespaces and not self.trust_domains:
            raise error_at(
                "trust_domains",
                "missing; without it, the namespace of another cluster would pass for one of this "
                "cluster: give the trust domain of the mesh, such as [cluster.local]",
            )
        return self

"""``kind: TrustDomain``: certificate authorities of clients."""

from typing import Any

from pydantic import Field, field_validator

from keyhole.model.document_file import File
from keyhole.model.field_types import Spec


class TrustDomainSpec(Spec):
    """Certificate authorities of the trust domain in metadata.name."""

    bundle: File = Field(
        description="PEM file with the certificates of its authorities, beside this document. The "
        "file is watched.",
    )
    crls: list[File] = Field(
        default_factory=list,
        max_length=64,
        description="PEM files with its certificate revocation lists; they are watched.",
    )

    @field_validator("crls", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

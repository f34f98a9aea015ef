"""``kind: List``: names to block or to allow, from files and from the internet."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from keyhole.model.document_file import File
from keyhole.model.field_types import FLAG, Spec, error_at
from keyhole.model.units import DAY, SECOND, seconds
from keyhole.model.url import LIST_URL

Format = Literal["auto", "hosts", "domains", "wildcard", "adblock", "dnsmasq", "unbound", "rpz"]


class ListSpec(Spec):
    """Names to block or to allow, from files and from the internet."""

    kind: Literal["block", "allow"] = Field("block", description="What a hit means.")
    files: list[File] = Field(
        default_factory=list,
        max_length=256,
        description="Files with the names, relative to the folder of this document.",
    )
    urls: list[Annotated[str, LIST_URL]] = Field(
        default_factory=list,
        max_length=64,
        description="Where lists are downloaded from, https if possible.",
    )
    refresh: Annotated[int, seconds(300, 30 * DAY // SECOND)] = Field(
        DAY // SECOND,
        description="How long a download is current; then the server is asked for a newer one.",
        json_schema_extra={"default": "1d"},
    )
    format: Format = Field("auto", description="The format of the files; auto detects it for each.")
    guard: Annotated[bool, FLAG] = Field(
        True,
        description="Whether the last good version stays in use when the new one is empty, or "
        "implausibly smaller or larger.",
    )

    @field_validator("files", "urls", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @model_validator(mode="after")
    def _has_a_source(self) -> Self:
        if not self.files and not self.urls:
            raise ValueError("the list has no names; give files or urls")
        if "refresh" in self.model_fields_set and not self.urls:
            raise error_at("refresh", "only downloads become stale; leave it out, or give urls")
        return self

"""``kind: List``: names to block or to allow, from files and from the internet."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from keyhole.model.document_file import File
from keyhole.model.field_types import FLAG, FieldType, Spec, error_at, text_of
from keyhole.model.references import References
from keyhole.model.units import DAY, MIB, SECOND, seconds
from keyhole.model.url import LIST_URL

MAX_ENTRIES = MIB
"""Characters of the entries in a document: each version of it is kept."""

Format = Literal["auto", "hosts", "domains", "wildcard", "adblock", "dnsmasq", "unbound", "rpz"]


def read_entries(written: object) -> str:
    """The lines of a list."""
    text = text_of(written)
    if not text.strip():
        raise ValueError("there is no entry here; write one name a line, or leave the key out")
    if len(text) > MAX_ENTRIES:
        raise ValueError(
            f"{len(text):,} characters; at most {MAX_ENTRIES:,} stand in a document, put more into "
            "files"
        )
    if not text.isascii() and any(0xD800 <= ord(letter) <= 0xDFFF for letter in text):
        raise ValueError("half of a surrogate pair is no character; take it out")
    return text if text.endswith("\n") else f"{text}\n"


ENTRIES = FieldType(read_entries, {"type": "string", "maxLength": MAX_ENTRIES})


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
    entries: Annotated[str, ENTRIES] | None = Field(
        None,
        description="The names themselves, one entry a line as in a file, written as a block: "
        "entries: |. At most 1MiB; put more into files.",
    )
    refresh: Annotated[int, seconds(300, 30 * DAY // SECOND)] = Field(
        DAY // SECOND,
        description="How long a download is current; then the server is asked for a newer one.",
        json_schema_extra={"default": "1d"},
    )
    format: Format = Field("auto", description="The format of the files; auto detects it for each.")
    services: References = Field(
        default_factory=list,
        max_length=1000,
        description="Names of services, such as tiktok: the files and downloads are files of "
        "services as AdGuard publishes them (JSON), and only the rules of these are taken.",
    )
    policies: References = Field(
        default_factory=list,
        max_length=1000,
        description="Names of the policies that use it, besides those that name it in their "
        "lists. Files of policies need no change then.",
    )
    guard: Annotated[bool, FLAG] = Field(
        True,
        description="Whether the last good version stays in use when the new one is empty, or "
        "implausibly smaller or larger.",
    )

    @field_validator("files", "urls", "services", "policies", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @model_validator(mode="after")
    def _has_a_source(self) -> Self:
        if not self.files and not self.urls and self.entries is None:
            raise ValueError("the list has no names; give files, urls or entries")
        if self.services and self.entries is not None:
            raise error_at("services", "entries are no file of services; write another List")
        if self.services and self.format != "auto":
            raise error_at("format", "a file of services has one format; leave format out")
        if "refresh" in self.model_fields_set and not self.urls:
            raise error_at("refresh", "only downloads become stale; leave it out, or give urls")
        return self

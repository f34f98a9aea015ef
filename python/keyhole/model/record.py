"""``kind: Record``: local records."""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address
from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from keyhole.model.address import (
    ADDRESS_V4_SCHEMA,
    ADDRESS_V6_SCHEMA,
    read_address,
    read_v4,
    read_v6,
)
from keyhole.model.field_types import FieldType, Spec, error_at, text_of
from keyhole.model.name import NAME, read_owner, reverse_name
from keyhole.model.references import References
from keyhole.model.units import seconds

MAX_TTL = 604_800  # seconds, one week
MAX_STRING = 255  # octets of one character string (RFC 1035 section 3.3)
_MAX_TXT = 4096  # octets of one TXT record


def read_record_name(written: object) -> str:
    """The owner: a name, ``*.`` and a name, or an IP address for its reverse name."""
    try:
        address = read_address(written)
    except ValueError:
        return read_owner(written)
    return reverse_name(str(address))


def read_txt(written: object) -> str:
    """The text of one TXT record."""
    text = text_of(written)
    octets = len(text.encode())
    if octets > _MAX_TXT:
        raise ValueError(f"the text has {octets} octets; one TXT record holds {_MAX_TXT} here")
    return text


def character_strings(text: str) -> list[str]:
    """The text in pieces of at most 255 octets (RFC 1035 section 3.3.14), no character split."""
    pieces, piece, octets = [], "", 0
    for character in text:
        width = len(character.encode())
        if octets + width > MAX_STRING:
            pieces.append(piece)
            piece, octets = "", 0
        piece += character
        octets += width
    return [*pieces, piece]


RECORD_NAME = FieldType(
    read_record_name,
    {
        "type": "string",
        "description": "a name, *. and a name, or the address that a PTR record is about",
        "examples": ["printer.example.org", "*.lab.example.org", "192.0.2.7"],
    },
)


class RecordSpec(Spec):
    """A local record: a name that Keyhole answers by itself."""

    name: Annotated[str, RECORD_NAME] = Field(
        description="The name; *. in front covers all names below that have no record. "
        "For ptr, an IP address may be given instead of its reverse name."
    )
    ttl: Annotated[int, seconds(0, MAX_TTL, bare=True)] = Field(
        300, description="How long the answer may be cached: seconds, or a time such as 5m."
    )
    a: list[Annotated[IPv4Address, FieldType(read_v4, ADDRESS_V4_SCHEMA)]] = Field(
        default_factory=list, max_length=64, description="IPv4 addresses."
    )
    aaaa: list[Annotated[IPv6Address, FieldType(read_v6, ADDRESS_V6_SCHEMA)]] = Field(
        default_factory=list, max_length=64, description="IPv6 addresses."
    )
    cname: Annotated[str, NAME] | None = Field(
        None,
        description="The name that this one is an alias of; no other data is allowed beside it.",
    )
    txt: list[Annotated[str, FieldType(read_txt)]] = Field(
        default_factory=list, max_length=32, description="Texts, one record each."
    )
    ptr: Annotated[str, NAME] | None = Field(
        None, description="The name of the machine with this address."
    )
    policies: Annotated[References, Field(min_length=1)] | None = Field(
        None,
        description="Names of the policies whose clients see it, instead of the records of this "
        "name for all; all if left out.",
    )

    @field_validator("a", "aaaa", "txt", "policies", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @field_validator("policies", mode="before")
    @classmethod
    def _null_is_not_everybody(cls, value: Any) -> Any:
        if value is None:
            raise ValueError("null names no policy; leave the key out so that all see the record")
        return value

    @model_validator(mode="after")
    def _is_consistent(self) -> "RecordSpec":
        kinds = [kind for kind, _ in self.data()]
        if not kinds:
            raise error_at("name", "the record has no data; give a, aaaa, cname, txt or ptr")
        # RFC 1034 section 3.6.2: an alias has no other data.
        if self.cname is not None and len(kinds) > 1:
            raise error_at("cname", f"an alias has no other data (RFC 1034); take out {kinds[0]}")
        if self.cname == self.name:
            raise error_at("cname", f"{self.name} cannot be an alias of itself")
        return self

    def data(self) -> Iterator[tuple[str, str | list[str]]]:
        """Each record with its type, in the order of a, aaaa, txt, ptr, cname."""
        yield from (("a", str(address)) for address in self.a)
        yield from (("aaaa", str(address)) for address in self.aaaa)
        yield from (("txt", character_strings(text)) for text in self.txt)
        if self.ptr is not None:
            yield "ptr", self.ptr
        if self.cname is not None:
            yield "cname", self.cname

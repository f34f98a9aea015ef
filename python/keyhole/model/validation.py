"""``validate`` of the upstreams of a policy: DNSSEC validation of what they say."""

from datetime import date
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, field_validator

from keyhole.model.document_file import File
from keyhole.model.exempt_domains import DAY, day_begins, each_domain_once
from keyhole.model.field_types import FieldType, Spec, text_of
from keyhole.model.mode_or_keys import ModeOrKeys, word_or_keys
from keyhole.model.name import read_name

MODES = ("off", "log", "on")


def read_domain(written: object) -> str:
    """A domain; the root would be all names."""
    text = text_of(written).strip()
    if text in ("", "."):
        raise ValueError("all names would be left out; write validate: off instead")
    return read_name(text.removeprefix("*."))


DOMAIN = FieldType(read_domain, {"type": "string", "examples": ["broken.example.org"]})


class NegativeAnchor(Spec):
    """A domain that is not validated for a while (RFC 7646), with its reason and its end."""

    domain: Annotated[str, DOMAIN] = Field(description="The domain, with all names below it.")
    reason: str = Field(
        min_length=1, max_length=500, description="Why its answers count without signatures."
    )
    until: Annotated[date, DAY] = Field(
        description="The day on which it is validated again (UTC), such as 2027-03-31."
    )

    @property
    def ends(self) -> int:
        """The second of Unix time at which it ends."""
        return day_begins(self.until)


class ValidationUse(ModeOrKeys):
    """DNSSEC validation of what upstreams say, before it is cached."""

    model_config = ConfigDict(json_schema_extra=word_or_keys(MODES))

    mode: Literal["off", "log", "on"] = Field(
        "off",
        description="on withholds answers that fail; log only counts them, and explain tells of "
        "them; off looks at nothing.",
    )
    anchors: File | None = Field(
        None,
        description="File of DS or DNSKEY records, as in a zone file, where trust begins. Without "
        "a record of the root in it, or without a file, Keyhole's own keys of the root count.",
    )
    exempt: list[NegativeAnchor] = Field(
        default_factory=list,
        max_length=1_000,
        description="Domains that are not validated for a while (negative trust anchors).",
    )

    @field_validator("exempt")
    @classmethod
    def _each_once(cls, value: list[NegativeAnchor]) -> list[NegativeAnchor]:
        return each_domain_once(value)

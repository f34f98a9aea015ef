"""The sections ``link`` and ``control`` of ``keyhole.yaml``: engines on other machines."""

from typing import Annotated, Any, Self

from pydantic import Field, field_validator, model_validator

from keyhole.config.sections.identity import BASE_URL
from keyhole.config.sections.pairs import both_or_none
from keyhole.model.address import LISTENER, NETWORK, PRIVATE_NETWORKS, Endpoint, Network
from keyhole.model.field_types import FieldType, Section, error_at, text_of
from keyhole.model.name import SERVER_NAME
from keyhole.model.spiffe import read_short_name, read_spiffe_id

_MAX_LISTENERS = 16
_MAX_ENGINES = 1_000
_EXAMPLE = "engines/berlin"


def read_engine(written: object) -> str:
    """The name of an engine, as in ``keyhole enroll create``, or a SPIFFE ID."""
    text = text_of(written).strip()
    return read_spiffe_id(text) if "://" in text else read_short_name(text)


ENGINE = FieldType(
    read_engine,
    {"type": "string", "description": "a name or a SPIFFE ID", "examples": [_EXAMPLE]},
)


class LinkSection(Section):
    """How engines on other machines get their snapshots from this Keyhole, over mutual TLS."""

    listen: Annotated[
        tuple[Annotated[Endpoint, LISTENER], ...], Field(max_length=_MAX_LISTENERS)
    ] = Field((), description="Such as 192.0.2.1:8445; an empty list turns it off.")
    names: tuple[Annotated[str, SERVER_NAME], ...] = Field(
        (),
        max_length=64,
        description="Names and addresses by which engines reach this Keyhole, for its certificate, "
        "besides those in listen and in tls.names.",
        examples=["control.example.org"],
    )
    engines: tuple[Annotated[str, ENGINE], ...] = Field(
        (),
        max_length=_MAX_ENGINES,
        description="Identities of the engines, as in keyhole enroll create; all others are "
        "refused.",
        examples=[_EXAMPLE],
    )

    clients: tuple[Annotated[Network, NETWORK], ...] = Field(
        PRIVATE_NETWORKS,
        max_length=10_000,
        description="Networks of the engines; the link answers no other. By default this machine "
        "and private networks.",
        examples=["192.0.2.0/24"],
    )

    @field_validator("listen", "names", "engines", "clients", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @model_validator(mode="after")
    def _has_engines_and_listeners(self) -> Self:
        if self.listen and not self.engines:
            raise error_at("listen", "no engine may connect; name them in engines")
        if self.engines and not self.listen:
            raise error_at("engines", "there is no listener for them; give an address in listen")
        return self


class ControlSection(Section):
    """Another Keyhole that controls this machine. Then only an engine runs here; documents, changes
    and queries are over there."""

    url: Annotated[str, BASE_URL] | None = Field(
        None,
        description="The address in link.listen of the other Keyhole. Left out, none controls this "
        "one.",
        examples=["https://control.example.org:8445"],
    )
    identity: str | None = Field(
        None,
        min_length=1,
        description="The folder that keyhole enroll redeem wrote, beside this file; keyhole enroll "
        "keep renews its certificate.",
        examples=["engine"],
    )

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        both_or_none(self, "url", "identity")
        return self

"""``kind: Client``: a name for a machine or workload, and how it is recognized."""

from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from keyhole.model.address import NETWORK, Network
from keyhole.model.document_name import DOCUMENT_NAME
from keyhole.model.field_types import Spec, error_at
from keyhole.model.references import each_once
from keyhole.model.subject import SPIFFE_ID, TOKEN_NAME


def _each_network_once(networks: list[Network]) -> list[Network]:
    each_once([str(network) for network in networks])
    return networks


class ClientSpec(Spec):
    """A machine or workload, with all its identities, tokens and addresses."""

    identities: Annotated[
        list[Annotated[str, SPIFFE_ID]], Field(max_length=1000), AfterValidator(each_once)
    ] = Field(default_factory=list, description="SPIFFE IDs of its certificates.")
    tokens: Annotated[
        list[Annotated[str, TOKEN_NAME]], Field(max_length=1000), AfterValidator(each_once)
    ] = Field(
        default_factory=list, description="Names of its tokens, made with keyhole token create."
    )
    addresses: Annotated[
        list[Annotated[Network, NETWORK]],
        Field(max_length=1000),
        AfterValidator(_each_network_once),
    ] = Field(
        default_factory=list,
        description="Its addresses or networks; they count only where a listener serves clients "
        "without credentials.",
    )
    groups: Annotated[
        list[Annotated[str, DOCUMENT_NAME]], Field(max_length=1000), AfterValidator(each_once)
    ] = Field(default_factory=list, description="Groups that it belongs to.")

    @field_validator("identities", "tokens", "addresses", "groups", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @model_validator(mode="after")
    def _can_be_recognized(self) -> Self:
        if not (self.identities or self.tokens or self.addresses):
            raise error_at(
                "identities",
                "nothing tells this client from others; give identities, tokens or addresses",
            )
        return self

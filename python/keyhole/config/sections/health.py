"""The section ``health`` of ``keyhole.yaml``: metrics, and whether each process is ready."""

from typing import Annotated, Any

from pydantic import Field, field_validator

from keyhole.model.address import LISTENER, Endpoint
from keyhole.model.field_types import Section

_MAX_LISTENERS = 4


class HealthSection(Section):
    """Metrics for Prometheus, /livez and /readyz, over HTTP. They name no client and no query. An
    empty list: none."""

    engine: Annotated[
        tuple[Annotated[Endpoint, LISTENER], ...], Field(max_length=_MAX_LISTENERS)
    ] = Field(
        (Endpoint("127.0.0.1", 9153),),
        description="Where the engine serves its metrics; unless given, 127.0.0.1:9153.",
        examples=["127.0.0.1:9153"],
    )
    control: Annotated[
        tuple[Annotated[Endpoint, LISTENER], ...], Field(max_length=_MAX_LISTENERS)
    ] = Field(
        (Endpoint("127.0.0.1", 9154),),
        description="Where control serves its metrics; unless given, 127.0.0.1:9154.",
        examples=["127.0.0.1:9154"],
    )

    @field_validator("engine", "control", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

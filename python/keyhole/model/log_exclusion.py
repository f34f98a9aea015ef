"""``kind: LogExclusion``: names whose queries are not logged."""

from typing import Annotated, Any

from pydantic import Field, field_validator

from keyhole.model.field_types import Spec
from keyhole.model.match import MATCH, Match


class LogExclusionSpec(Spec):
    """Names whose queries are not logged, whoever asks. They are answered and counted as before."""

    names: list[Annotated[Match, MATCH]] = Field(
        min_length=1,
        max_length=10_000,
        description="Names whose queries no log, history or trace has: example.org (that name "
        "alone), *.example.org (all below it), /expression/.",
    )

    @field_validator("names", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

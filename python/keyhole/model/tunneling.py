"""``tunneling`` of a policy: how much a client may tell a domain by the names that it asks for.

A budget is a number of octets: those of distinct names of one client below one registered domain.
"""

from datetime import date
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, field_validator, model_validator

from keyhole.model.exempt_domains import DAY, day_begins, each_domain_once
from keyhole.model.field_types import FieldType, Spec, error_at, text_of
from keyhole.model.mode_or_keys import ModeOrKeys, word_or_keys
from keyhole.model.name import read_name
from keyhole.model.overrides import MAX_QUARANTINE
from keyhole.model.units import KIB, octets, seconds, show_octets

MODES = ("off", "observe", "enforce")
MIN_BUDGET, MAX_BUDGET = 128, 15 * KIB  # octets


def read_domain(written: object) -> str:
    """A domain of at least two labels: one label would exempt all domains below it."""
    text = text_of(written).strip()
    name = read_name(text.removeprefix("*."))
    if "." not in name:
        raise ValueError(f"{name} would exempt every domain below it; name the domain itself")
    return name


DOMAIN = FieldType(read_domain, {"type": "string", "examples": ["cdn.example.org"]})
_BUDGET = octets(MIN_BUDGET, MAX_BUDGET)


class Exemption(Spec):
    """A domain without a budget, with its reason and its end."""

    domain: Annotated[str, DOMAIN] = Field(description="The domain, with all names below it.")
    reason: str = Field(
        min_length=1, max_length=500, description="Why it needs many names, for whoever reads it."
    )
    until: Annotated[date, DAY] = Field(
        description="The day on which its budget begins again (UTC), such as 2027-03-31."
    )

    @property
    def ends(self) -> int:
        """The second of Unix time at which it ends."""
        return day_begins(self.until)


def _budget(default: int, description: str) -> Any:
    return Field(
        default, description=description, json_schema_extra={"default": show_octets(default)}
    )


class SplitUse(ModeOrKeys):
    """What all clients together may tell a domain: against a channel that is split over many."""

    model_config = ConfigDict(json_schema_extra=word_or_keys(MODES))

    mode: Literal["off", "observe", "enforce"] = Field(
        "observe",
        description="enforce refuses names that are new for their client; observe only records "
        "them; off looks at each client alone.",
    )
    octets: Annotated[int, _BUDGET] = _budget(
        4 * KIB,
        "Octets of distinct names within an hour of all clients together, of each those until its "
        "alert and at most 1KiB. Each client that asks raises it by 128, up to 16 times as much.",
    )


class TunnelingUse(ModeOrKeys):
    """Budgets of octets in distinct names, of each client below each registered domain."""

    model_config = ConfigDict(json_schema_extra=word_or_keys(MODES))

    mode: Literal["off", "observe", "enforce"] = Field(
        "observe",
        description="enforce acts; observe only records what it would have done; off counts "
        "nothing.",
    )
    alert: Annotated[int, _BUDGET] = _budget(
        KIB, "Octets within an hour after which the client is noted in log and counters."
    )
    throttle: Annotated[int, _BUDGET] = _budget(
        2 * KIB, "Octets within an hour after which one new name passes in ten seconds."
    )
    block: Annotated[int, _BUDGET] = _budget(
        4 * KIB, "Octets within an hour after which nothing below the domain passes."
    )
    day: Annotated[int, _BUDGET] = _budget(
        8 * KIB, "Octets within a day after which nothing below the domain passes."
    )
    quarantine: Annotated[int, seconds(60, MAX_QUARANTINE)] | None = Field(
        None,
        description="How long a client that used up a budget is refused every name, such as 1d; "
        "null for never. Only clients with an identity or token, and only with enforce.",
    )
    split: SplitUse = Field(
        default_factory=SplitUse,
        description="What happens when all clients together tell a domain more than one channel "
        "that is split over them may carry: off, observe, enforce, or {mode, octets}.",
    )
    exempt: list[Exemption] = Field(
        default_factory=list,
        max_length=1_000,
        description="Domains without a budget, beside those that Keyhole ships.",
    )

    @field_validator("exempt")
    @classmethod
    def _each_once(cls, value: list[Exemption]) -> list[Exemption]:
        return each_domain_once(value)

    @model_validator(mode="after")
    def _can_impose(self) -> Self:
        if self.quarantine is not None and self.mode != "enforce":
            why = f"mode {self.mode} puts nobody in quarantine; write mode: enforce, or take it out"
            raise error_at("quarantine", why)
        if self.split.mode == "enforce" and self.mode != "enforce":
            why = f"mode {self.mode} refuses nothing; write mode: enforce, or split: observe"
            raise error_at("split", why)
        return self

    @model_validator(mode="after")
    def _ascends(self) -> Self:
        steps = [(key, getattr(self, key)) for key in ("alert", "throttle", "block", "day")]
        for (lower, less), (higher, more) in pairwise(steps):
            if less > more:
                why = f"{show_octets(more)} is below {lower}, {show_octets(less)}; budgets ascend"
                raise error_at(higher, why)
        return self

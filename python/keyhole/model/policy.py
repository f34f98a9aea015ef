"""``kind: Policy``: which names are allowed, and which upstreams answer them."""

from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from keyhole.model.address import read_address
from keyhole.model.blocked_services import SERVICE
from keyhole.model.domain import NEVER_FORWARDED
from keyhole.model.field_types import FLAG, FieldType, Spec, error_at, text_of
from keyhole.model.match import MATCH, Match
from keyhole.model.mode_or_keys import mode_word
from keyhole.model.record_type import RECORD_TYPE
from keyhole.model.references import References, each_once
from keyhole.model.safe_search import Engine, YouTube
from keyhole.model.schedule import When
from keyhole.model.subject import SUBJECT, Subject
from keyhole.model.suggestion import suggest
from keyhole.model.tunneling import TunnelingUse
from keyhole.model.units import SECOND, milliseconds, seconds
from keyhole.model.validation import ValidationUse

ANSWERS = ("nxdomain", "nodata", "refused", "null")
MAX_BLOCKED_TTL = 86_400  # seconds, one day


def _without_default(schema: dict[str, Any]) -> None:
    """Removes a default that depends on other fields; the description has it."""
    schema.pop("default", None)


Mode = Literal["enforce", "observe"]


def read_answer(written: object) -> str:
    """``nxdomain``, ``nodata``, ``refused``, ``null``, or the address to answer with, as text.

    ``null`` without quotes is no text in YAML; here it is the word.
    """
    text = "null" if written is None else text_of(written).strip()
    if text in ANSWERS:
        return text
    try:
        return str(read_address(text))
    except ValueError:
        raise ValueError(
            f"{text} is not an answer; give nxdomain, nodata, refused, null (0.0.0.0 and ::) or "
            f"an IP address; {suggest(text, ANSWERS)}"
        ) from None


ANSWER = FieldType(
    read_answer,
    {
        "anyOf": [
            {"enum": [*ANSWERS, None]},
            {"type": "string", "format": "ipv4"},
            {"type": "string", "format": "ipv6"},
        ]
    },
)


class Rule(Spec):
    """A rule: what happens to some names."""

    allow: list[Annotated[Match, MATCH]] | None = Field(
        None,
        min_length=1,
        description="Names to allow: example.org (that name alone), *.example.org (all below it), "
        "/expression/.",
    )
    block: list[Annotated[Match, MATCH]] | None = Field(
        None, min_length=1, description="Names to block, written as for allow."
    )
    types: list[Annotated[int, RECORD_TYPE]] = Field(
        default_factory=list,
        max_length=64,
        description="Record types that it applies to; empty means all.",
    )
    answer: Annotated[str, ANSWER] = Field(
        "nxdomain",
        description="The answer for a blocked name: nxdomain, nodata (no records of the type), "
        "refused, null (0.0.0.0 and ::) or an address. Left out: nodata for a rule with types, "
        "else nxdomain. Where another type of the name is allowed, nodata takes the place of "
        "nxdomain.",
        json_schema_extra=_without_default,
    )
    mode: Mode = Field("enforce", description="enforce acts, observe only records.")
    important: Annotated[bool, FLAG] = Field(
        False, description="Whether this block rule wins over every allow rule."
    )
    when: When | None = Field(None, description="When it applies; always if left out.")

    @field_validator("allow", "block", "types", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @model_validator(mode="after")
    def _does_one_thing(self) -> Self:
        if (self.allow is None) == (self.block is None):
            problem = "nothing" if self.allow is None else "two things"
            raise ValueError(f"the rule does {problem}; give allow or block, with names")
        if self.allow is not None and "answer" in self.model_fields_set:
            raise error_at("answer", "an allowed name gets the true answer; leave answer out")
        if self.allow is not None and self.important:
            raise error_at("important", "only block rules can be important; leave it out")
        return self

    @property
    def block_answer(self) -> str:
        """The answer for a blocked name. ``nxdomain`` would deny all types (RFC 8020)."""
        is_typed_block = self.block is not None and bool(self.types)
        is_default = "answer" not in self.model_fields_set
        return "nodata" if is_typed_block and is_default else self.answer

    @property
    def matches(self) -> list[Match]:
        """The names, whatever happens to them."""
        return self.allow or self.block or []


class ListUse(Spec):
    """The lists that a policy uses, and their effect."""

    names: References = Field(max_length=1000, description="metadata.name of List documents.")
    answer: Annotated[str, ANSWER] = Field(
        "nxdomain",
        description="The answer for a name on a block list; an entry for some types gets nodata.",
    )
    mode: Mode = Field("enforce", description="enforce acts, observe only records.")


class UpstreamUse(Spec):
    """The upstreams that a policy asks, and the timeouts."""

    names: References = Field(
        max_length=1000,
        description="metadata.name of Upstream documents, preferred first; empty means all.",
    )
    hedge: Annotated[int, milliseconds(10, 10 * SECOND)] = Field(
        300,
        description="Time without an answer after which a second upstream is asked as well.",
        json_schema_extra={"default": "300ms"},
    )
    timeout: Annotated[int, milliseconds(100, 30 * SECOND)] = Field(
        2 * SECOND,
        description="Time after which one try counts as failed.",
        json_schema_extra={"default": "2s"},
    )

    validation: ValidationUse = Field(
        default_factory=ValidationUse,
        alias="validate",
        description="DNSSEC validation of the answers: off, log, on, or {mode, anchors, exempt}.",
    )

    @model_validator(mode="after")
    def _hedges_in_time(self) -> Self:
        if self.hedge >= self.timeout:
            raise error_at("hedge", "the second upstream would be asked too late; hedge < timeout")
        return self


class PrivateAddressUse(Spec):
    """What happens to private addresses in answers for public names."""

    model_config = ConfigDict(
        json_schema_extra=lambda schema: _with_words(schema, ["allow", "block"])
    )

    default: Literal["allow", "block"] = Field(
        "block", description="allow lets them through for every name, block withholds them."
    )
    allow: list[Annotated[Match, MATCH]] = Field(
        default_factory=list,
        max_length=10_000,
        description="Names whose answers may have them, written as for the allow of a rule.",
    )

    @field_validator("allow", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @model_validator(mode="after")
    def _has_an_effect(self) -> Self:
        if self.default == "allow" and self.allow:
            raise error_at("allow", "all names are allowed already; take default: allow out")
        return self


class SpecialNameUse(Spec):
    """What happens to names with a special use, such as those below internal or home.arpa."""

    forward: list[Annotated[Match, MATCH]] = Field(
        default_factory=list,
        max_length=10_000,
        description="Names that the upstreams of this policy are asked for, because they serve "
        "them; all others are answered here. Their answers may have private addresses.",
    )

    @field_validator("forward", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @field_validator("forward")
    @classmethod
    def _may_leave(cls, value: list[Match]) -> list[Match]:
        for index, match in enumerate(value):
            if match.text.rpartition(".")[2] in NEVER_FORWARDED:
                raise error_at(
                    f"forward.{index}", f"{match} never leaves this machine (RFC 6761, RFC 7686)"
                )
        return value


def _with_words(schema: dict[str, Any], words: list[str]) -> None:
    """A word may stand in the place of the keys."""
    keys = {name: schema.pop(name) for name in list(schema) if name not in ("title", "description")}
    schema["anyOf"] = [{"enum": words}, keys]


class PolicySpec(Spec):
    """Which names are allowed, and which upstreams answer them."""

    subjects: list[Annotated[Subject, SUBJECT]] | None = Field(
        None,
        max_length=10_000,
        description="Clients that it applies to; the most specific subject decides. Left out: all "
        "clients of no other policy. Empty: none, so that it is only included.",
    )
    include: References = Field(
        default_factory=list,
        max_length=64,
        description="Names of policies whose rules and lists come after its own.",
    )
    mode: Mode = Field(
        "enforce",
        description="enforce acts; observe answers everything and only records what it would have "
        "done.",
    )
    default: Literal["allow", "deny"] = Field(
        "deny", description="What happens to a name that no rule and no list decides."
    )
    upstreams: UpstreamUse = Field(
        default_factory=lambda: UpstreamUse(names=[]),
        description="Names of upstreams, preferred first, or {names, hedge, timeout, validate}; "
        "all if left out.",
    )
    rules: list[Rule] = Field(default_factory=list, description="Rules; see the precedence.")
    lists: ListUse = Field(
        default_factory=lambda: ListUse(names=[]),
        description="Names of lists, or {names, answer, mode}.",
    )
    safe_search: Annotated[list[Engine], AfterValidator(each_once)] = Field(
        default_factory=list,
        max_length=64,
        description="Search engines whose names lead to their restricted entry, or all; none if "
        "left out.",
    )
    youtube: Annotated[YouTube, BeforeValidator(mode_word)] = Field(
        "off",
        description="The restricted mode of YouTube, by its name for networks: off, moderate or "
        "strict.",
    )
    services: Annotated[list[Annotated[str, SERVICE]], AfterValidator(each_once)] = Field(
        default_factory=list,
        max_length=256,
        description="Services to block by name, such as tiktok, with the answer of lists; allow "
        "rules win.",
    )
    private_addresses: PrivateAddressUse = Field(
        default_factory=PrivateAddressUse,
        description="Whether answers with private addresses for public names are withheld: block, "
        "allow, or {allow: names} for all names but these.",
    )
    special_names: SpecialNameUse = Field(
        default_factory=SpecialNameUse,
        description="Names with a special use that leave this machine nevertheless.",
    )
    tunneling: TunnelingUse = Field(
        default_factory=TunnelingUse,
        description="What happens when names carry much data out: off, observe, enforce, or {mode, "
        "alert, throttle, block, day, quarantine, split, exempt}.",
    )
    missing_domains: Annotated[Literal["off", "observe", "enforce"], BeforeValidator(mode_word)] = (
        Field(
            "observe",
            description="What happens when a client asks for many domains that do not exist, as "
            "malware does that looks for its server: enforce lets one more new domain pass in ten "
            "seconds; observe only makes a finding; off counts nothing.",
        )
    )
    blocked_ttl: Annotated[int, seconds(0, MAX_BLOCKED_TTL, bare=True)] = Field(
        10,
        description="How long a client may cache the answer for a blocked name: seconds, or a time "
        "such as 5m.",
    )
    log: Literal["full", "anonymous", "none"] = Field(
        "full",
        description="How much of each query is logged: full, anonymous (without the client), none.",
    )

    @field_validator("subjects", "include", "safe_search", "services", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @field_validator("subjects", mode="before")
    @classmethod
    def _null_is_not_everybody(cls, value: Any) -> Any:
        if value is None:
            raise ValueError(
                "null names nobody; leave the key out for clients of no other policy, or write [] "
                "for a policy that is only included"
            )
        return value

    @model_validator(mode="after")
    def _names_each_once(self) -> Self:
        seen: dict[Subject, int] = {}
        for index, subject in enumerate(self.subjects or ()):
            if seen.setdefault(subject, index) != index:
                raise error_at(f"subjects.{index}", f"{subject} appears twice; name it once")
        return self

    @property
    def is_default(self) -> bool:
        """Whether it applies to the clients of no other policy."""
        return self.subjects is None

    @property
    def applies(self) -> bool:
        """Whether it applies to any client, and is not only included."""
        return self.subjects is None or bool(self.subjects)

    @field_validator("private_addresses", mode="before")
    @classmethod
    def _word_alone(cls, value: Any) -> Any:
        return {"default": value} if isinstance(value, str) else value

    @field_validator("upstreams", "lists", mode="before")
    @classmethod
    def _names_alone(cls, value: Any) -> Any:
        return {"names": value} if isinstance(value, list) else value

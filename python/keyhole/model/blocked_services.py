"""Services that a policy blocks by name, such as ``tiktok``."""

from dataclasses import dataclass
from functools import cache

from keyhole.model.field_types import FieldType, text_of
from keyhole.model.match import Match
from keyhole.model.suggestion import suggest
from keyhole.model.tables import rows


@dataclass(frozen=True)
class KnownService:
    """A row of the table."""

    name: str
    title: str
    category: str
    domains: tuple[str, ...]

    @property
    def matches(self) -> list[Match]:
        """The domains, each with all names below it."""
        return [Match(kind=kind, text=one) for one in self.domains for kind in ("exact", "below")]


@cache
def known_services() -> dict[str, KnownService]:
    """All services of the shipped table by name."""
    return {
        name: KnownService(name, title, category, tuple(domains.split()))
        for name, title, category, domains in rows("services.tsv")
    }


def read_service(written: object) -> str:
    """The name of a service of the table."""
    text = text_of(written).strip().lower()
    if text not in known_services():
        raise ValueError(
            f"{text[:60]} is not a service that Keyhole knows; {suggest(text, known_services())} "
            "For another one, write a List or a rule with its names"
        )
    return text


SERVICE = FieldType(
    read_service,
    {
        "type": "string",
        "pattern": "^[a-z0-9]+$",
        "maxLength": 60,
        "description": "the name of a service; the guide on policies has the table",
        "examples": ["tiktok", "instagram", "roblox"],
    },
)

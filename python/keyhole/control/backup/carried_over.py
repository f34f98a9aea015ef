"""What a restore took away from a backup, and what it could not find out."""

from dataclasses import dataclass, field
from typing import Any

REVOCATIONS, TOKENS, ENROLLMENTS, ACCOUNTS = (
    "certificates and identities",
    "tokens",
    "enrollments",
    "people and API tokens",
)
KINDS = (REVOCATIONS, TOKENS, ENROLLMENTS, ACCOUNTS)
"""What can be taken away after a backup, in the words of messages."""


@dataclass
class CarriedOver:
    """What a restore took away from the backup. ``unknown`` are the kinds of which the folder
    before did not say what was revoked since, and ``notes`` what a person should know."""

    revocations: int = 0
    tokens: list[str] = field(default_factory=list)
    enrollments: list[str] = field(default_factory=list)
    api_tokens: list[str] = field(default_factory=list)
    people: list[str] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)
    """People who have the lower role that they were given since."""
    unknown: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def is_known(self) -> bool:
        """Whether the folder before said of every kind what was revoked since."""
        return not self.unknown

    def detail(self) -> dict[str, Any]:
        """For the audit record and for programs."""
        found = {key: value for key, value in vars(self).items() if key != "notes"}
        return {"is_known": self.is_known, **found}

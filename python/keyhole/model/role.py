"""Roles of people and API tokens."""

import enum


class Role(enum.IntEnum):
    """A set of permissions; each role includes the ones before it."""

    VIEWER = 1
    """Sees documents, queries and statistics."""
    OPERATOR = 2
    """Changes what is blocked and allowed: documents, lists, pauses."""
    ADMINISTRATOR = 3
    """Manages people, tokens and identities as well."""

    @property
    def word(self) -> str:
        """The written form: ``viewer``, ``operator``, ``administrator``."""
        return self.name.lower()

    @classmethod
    def of(cls, word: str) -> "Role":
        """The role of that word; raises ValueError with the valid words."""
        try:
            return cls[word.upper()]
        except KeyError:
            known = ", ".join(one.word for one in cls)
            raise ValueError(f"{word} is not a role; there are {known}") from None

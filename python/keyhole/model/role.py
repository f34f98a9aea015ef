"""What somebody who changes or looks at Keyhole may do."""

import enum


class Role(enum.IntEnum):
    """What somebody may do; each role may also do what the ones before it may."""

    VIEWER = 1
    """Sees documents, queries and statistics."""
    OPERATOR = 2
    """Changes what is blocked and allowed: documents, lists, pauses."""
    ADMINISTRATOR = 3
    """Manages people, tokens and identities as well."""

    @property
    def word(self) -> str:
        """The role as it is written: ``viewer``, ``operator``, ``administrator``."""
        return self.name.lower()

    @classmethod
    def of(cls, word: str) -> "Role":
        """The role of that word; raises ValueError with the words that there are."""
        try:
            return cls[word.upper()]
        except KeyError:
            known = ", ".join(one.word for one in cls)
            raise ValueError(f"{word} is not a role; there are {known}") from None

"""A condition of a search in SQL."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Condition:
    """A condition in SQL with placeholders; values are always passed as parameters."""

    words: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)

    def add(self, words: str, *values: Any) -> None:
        """Adds a condition, joined by AND."""
        self.words.append(words)
        self.values.extend(values)

    def include(self, other: "Condition") -> None:
        """Adds all conditions of another one."""
        self.words += other.words
        self.values += other.values

    @property
    def sql(self) -> str:
        """The condition; true where there is none."""
        return " AND ".join(self.words) or "true"

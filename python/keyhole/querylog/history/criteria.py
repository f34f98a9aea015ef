"""What a search looks for, as a person says it and as DuckDB is asked."""

from dataclasses import dataclass, field
from typing import Any

from keyhole.errors import KeyholeError

MAX_EXPRESSION = 200


class SearchError(KeyholeError):
    """A search cannot be done as it is asked for."""


@dataclass(frozen=True)
class Criteria:
    """Every field that is given must fit; times are microseconds of Unix time, ``until`` excluded.

    ``client`` is an identity, a token or an address; with ``*`` at its end, all that begin so.
    """

    since: int | None = None
    until: int | None = None
    name: str | None = None
    """This name exactly."""
    below: str | None = None
    """This name, or one below it."""
    contains: str | None = None
    """Somewhere in the name."""
    expression: str | None = None
    """A regular expression (RE2) that is found in the name."""
    client: str | None = None
    type: str | None = None
    outcome: str | None = None
    reason: str | None = None
    policy: str | None = None
    list: str | None = None
    rule: str | None = None
    upstream: str | None = None
    transport: str | None = None
    slower_than_us: int | None = None
    reasons: tuple[str, ...] | None = None
    """One of these; nothing fits where there is none."""

    @property
    def about_names(self) -> "Condition | None":
        """What it asks of the name; none where that is nothing."""
        found = Condition()
        if self.name is not None:
            found.add("name = ?", _lower(self.name))
        if self.below is not None:
            criteria = _lower(self.below)
            found.add("(name = ? OR ends_with(name, ?))", criteria, f".{criteria}")
        if self.contains is not None:
            found.add("contains(name, ?)", self.contains.lower())
        if self.expression is not None:
            found.add("regexp_matches(name, ?)", check_expression(self.expression))
        return found if found.words else None

    @property
    def condition(self) -> "Condition":
        """All of it."""
        found = Condition()
        if self.since is not None:
            found.add('"time" >= ?', self.since)
        if self.until is not None:
            found.add('"time" < ?', self.until)
        if names := self.about_names:
            found.include(names)
        if self.client is not None:
            found.include(_client(self.client))
        for column in ("outcome", "reason", "policy", "rule", "upstream", "transport"):
            value = getattr(self, column)
            if value is not None:
                found.add(f"{column} = ?", value)
        if self.type is not None:
            found.add('"type" = ?', self.type.upper())
        if self.list is not None:
            found.add('"list" = ?', self.list)
        found.include(self._about_ends)
        return found

    @property
    def _about_ends(self) -> "Condition":
        """What it asks of how a query ended."""
        found = Condition()
        if self.slower_than_us is not None:
            found.add("duration_us > ?", self.slower_than_us)
        if self.reasons is not None:
            found.add("list_contains(?, reason)", list(self.reasons))
        return found


@dataclass
class Condition:
    """A condition in SQL with a place for each value; no value ever becomes a part of the SQL."""

    words: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)

    def add(self, words: str, *values: Any) -> None:
        """This must be true as well."""
        self.words.append(words)
        self.values.extend(values)

    def include(self, other: "Condition") -> None:
        """All of another one must be true as well."""
        self.words += other.words
        self.values += other.values

    @property
    def sql(self) -> str:
        """The condition; true where nothing was added."""
        return " AND ".join(self.words) or "true"


def check_expression(text: str) -> str:
    """A regular expression that the search takes, as it is; raises `SearchError`.

    RE2 takes time that grows with the text alone, whatever the expression is.
    """
    if len(text) > MAX_EXPRESSION:
        raise SearchError(f"an expression has at most {MAX_EXPRESSION} characters")
    return text


def _client(text: str) -> Condition:
    found = Condition()
    columns = ("identity", "token", "client")
    if text.endswith("*"):
        words = " OR ".join(f"starts_with({column}, ?)" for column in columns)
        found.add(f"({words})", *[text[:-1]] * 3)
    else:
        words = " OR ".join(f"{column} = ?" for column in columns)
        found.add(f"({words})", *[text] * 3)
    return found


def _lower(name: str) -> str:
    return name.lower().rstrip(".") or "."

"""Several clients of a search at once: all that a Client document names."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from keyhole.querylog.entry import second_of
from keyhole.querylog.history.condition import Condition
from keyhole.querylog.history.protection import ProofRules


def _no_address(_: str) -> bool:
    return False


@dataclass(frozen=True)
class Lease:
    """A time in which an address was one client's; microseconds of Unix time, the end exclusive."""

    address: str
    since: int
    until: int | None

    def has(self, line: Mapping[str, Any]) -> bool:
        """Whether a line of the log, of a client known by its address, is its."""
        second = second_of(line)
        if second is None or line.get("client") != self.address:
            return False
        at = round(second * 1e6)
        return self.since <= at and (self.until is None or at < self.until)


@dataclass(frozen=True)
class ClientSet:
    """Clients, each by its best credential: an address counts for a query without identity and
    token alone, since others may have used it."""

    identities: tuple[str, ...] = ()
    path: str | None = None
    """The end of SPIFFE IDs, in any trust domain."""
    tokens: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    """Those that the history has."""
    has_address: Callable[[str], bool] = field(default=_no_address, compare=False)
    """The same for lines that are not in the history yet."""
    leases: tuple[Lease, ...] = ()
    """Addresses that are theirs for a time."""
    rules: ProofRules = field(default_factory=ProofRules)
    """An identity of `identities` counts where it was not only claimed."""

    @property
    def condition(self) -> Condition:
        """The condition on rows."""
        claimed = self.rules.claimed
        words = [
            f"(list_contains(?, identity) AND NOT {claimed.sql})",
            "(identity IS NULL AND list_contains(?, token))",
            "(identity IS NULL AND token IS NULL AND list_contains(?, client))",
        ]
        values: list[Any] = [
            list(self.identities),
            *claimed.values,
            list(self.tokens),
            list(self.addresses),
        ]
        for lease in self.leases:
            words.append(
                "(identity IS NULL AND token IS NULL AND client = ? "
                'AND "time" >= ? AND (?::BIGINT IS NULL OR "time" < ?::BIGINT))'
            )
            values += [lease.address, lease.since, lease.until, lease.until]
        if self.path is not None:
            words.append("ends_with(identity, ?)")
            values.append(self.path)
        # A row without any of them is in none: NULL must not pass for a match.
        return Condition([f"coalesce({' OR '.join(words)}, false)"], values)

    def has(self, line: Mapping[str, Any]) -> bool:
        """Whether a line of the log belongs to one of them."""
        identity, token, address = (line.get(one) for one in ("identity", "token", "client"))
        if identity is not None:
            at_end = self.path is not None and str(identity).endswith(self.path)
            is_named = identity in self.identities and not self.rules.is_claimed(line)
            return is_named or at_end
        if token is not None:
            return token in self.tokens
        if address is None:
            return False
        is_leased = any(one.has(line) for one in self.leases)
        return is_leased or self.has_address(str(address))

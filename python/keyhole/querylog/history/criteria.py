"""The criteria of a search, and their form in SQL."""

from dataclasses import dataclass

from keyhole.errors import KeyholeError
from keyhole.model.idn import fold
from keyhole.model.name import as_logged
from keyhole.querylog.history.client_set import ClientSet
from keyhole.querylog.history.condition import Condition
from keyhole.querylog.history.protection import (
    PROOFS,
    PROTECTIONS,
    TLS_IN,
    TLS_OUT,
    TLS_VERSIONS,
    ProofRules,
)

__all__ = ["CLIENT_KINDS", "Condition", "Criteria", "SearchError", "check_expression"]

MAX_EXPRESSION = 200
CLIENT_KINDS = {
    "identity": "identity IS NOT NULL",
    "claimed": "identity IS NOT NULL",
    "token": "identity IS NULL AND token IS NOT NULL",
    "address": "identity IS NULL AND token IS NULL AND client IS NOT NULL",
    "anonymous": "identity IS NULL AND token IS NULL AND client IS NULL",
}
"""By what a client is known, and which columns say so: the best of them counts."""


class SearchError(KeyholeError):
    """The criteria of a search are invalid."""


@dataclass(frozen=True)
class Criteria:
    """All given fields must match; times are microseconds of Unix time, ``until`` excluded.

    ``client`` is an identity, a token or an address, or a prefix of one with ``*`` at its end.
    """

    since: int | None = None
    until: int | None = None
    name: str | None = None
    """Exactly this name."""
    below: str | None = None
    """This name or one below it."""
    contains: str | None = None
    """A part of the name."""
    expression: str | None = None
    """A regular expression (RE2) that matches a part of the name."""
    client: str | None = None
    clients: ClientSet | None = None
    """Those of a Client document, or of a short name."""
    address: str | None = None
    """The address that it came from, whoever the client is."""
    client_kind: str | None = None
    """By what the client is known, one of `CLIENT_KINDS`."""
    protection: str | None = None
    """How it was protected on its way in, one of `PROTECTIONS`."""
    proof: str | None = None
    """What proved who the client is, one of `PROOFS`."""
    proof_rules: ProofRules | None = None
    """By which `client_kind`, `protection` and `proof` decide."""
    type: str | None = None
    outcome: str | None = None
    reason: str | None = None
    policy: str | None = None
    list: str | None = None
    rule: str | None = None
    upstream: str | None = None
    transport: str | None = None
    tls: str | None = None
    """The version of TLS on its way in, one of `TLS_VERSIONS`."""
    upstream_tls: str | None = None
    """The same on its way out; ``none`` where the log has no version for the upstream."""
    engine: str | None = None
    slower_than_us: int | None = None
    reasons: tuple[str, ...] | None = None
    """One of these reasons; an empty tuple matches nothing."""

    @property
    def about_names(self) -> Condition | None:
        """The condition on names; none where there is no criterion for names."""
        found = Condition()
        if self.name is not None:
            found.add("name = ?", as_logged(self.name))
        if self.below is not None:
            below = as_logged(self.below)
            found.add("(name = ? OR ends_with(name, ?))", below, f".{below}")
        if self.contains is not None:
            found.add("contains(name, ?)", fold(self.contains))
        if self.expression is not None:
            found.add("regexp_matches(name, ?)", check_expression(self.expression))
        return found if found.words else None

    @property
    def condition(self) -> Condition:
        """The condition on rows."""
        found = Condition()
        if self.since is not None:
            found.add('"time" >= ?', self.since)
        if self.until is not None:
            found.add('"time" < ?', self.until)
        if names := self.about_names:
            found.include(names)
        found.include(self._about_client)
        found.include(self._about_protection)
        found.include(self._about_tls)
        for column in ("outcome", "reason", "policy", "rule", "upstream", "transport", "engine"):
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
    def _about_client(self) -> Condition:
        """The condition on who asked, and from where."""
        found = Condition()
        if self.client is not None:
            found.include(_client(self.client))
        if self.clients is not None:
            found.include(self.clients.condition)
        if self.client_kind is not None:
            found.include(_kind(self))
        if self.address is not None:
            found.add("client = ?", self.address)
        return found

    @property
    def _about_protection(self) -> Condition:
        """The condition on the way in."""
        rules = self.proof_rules or ProofRules()
        found = Condition()
        if self.protection is not None:
            if self.protection not in PROTECTIONS:
                raise SearchError(f"protection is one of {', '.join(PROTECTIONS)}")
            states = list(PROTECTIONS[self.protection])
            state = rules.protection
            found.add(f"list_contains(?, {state.sql})", states, *state.values)
        if self.proof is not None:
            if self.proof not in PROOFS:
                raise SearchError(f"proof is one of {', '.join(PROOFS)}")
            proof = rules.proof
            found.add(f"{proof.sql} = ?", *proof.values, self.proof)
        return found

    @property
    def _about_tls(self) -> Condition:
        """The condition on versions of TLS."""
        found = Condition()
        for value, version in ((self.tls, TLS_IN), (self.upstream_tls, TLS_OUT)):
            if value is not None:
                if value not in TLS_VERSIONS:
                    raise SearchError(f"a version of TLS is one of {', '.join(TLS_VERSIONS)}")
                found.add(f"{version} = ?", value)
        return found

    @property
    def _about_ends(self) -> Condition:
        """The condition on duration and reason."""
        found = Condition()
        if self.slower_than_us is not None:
            found.add("duration_us > ?", self.slower_than_us)
        if self.reasons is not None:
            found.add("list_contains(?, reason)", list(self.reasons))
        return found


def check_expression(text: str) -> str:
    """Returns a regular expression that the search accepts; raises `SearchError`.

    RE2 runs in time linear in the text, for every expression.
    """
    if len(text) > MAX_EXPRESSION:
        raise SearchError(f"an expression has at most {MAX_EXPRESSION} characters")
    return text


def _kind(wanted: Criteria) -> Condition:
    kind = wanted.client_kind or ""
    if kind not in CLIENT_KINDS:
        raise SearchError(f"client_kind is one of {', '.join(CLIENT_KINDS)}")
    found = Condition()
    found.add(CLIENT_KINDS[kind])
    if kind in ("identity", "claimed"):
        claimed = (wanted.proof_rules or ProofRules()).claimed
        words = claimed.sql if kind == "claimed" else f"NOT {claimed.sql}"
        found.add(words, *claimed.values)
    return found


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

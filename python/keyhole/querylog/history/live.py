"""Matches new lines of the query log, which are in no segment yet."""

from collections.abc import Sequence
from typing import Any

from keyhole.querylog.history.criteria import Condition, Criteria
from keyhole.querylog.history.history import History
from keyhole.querylog.history.protection import PROTECTIONS, ProofRules, tls_in, tls_out
from keyhole.querylog.history.run import check, run

_WORDS = ("outcome", "reason", "policy", "rule", "list", "upstream", "transport", "engine")
_CLIENT = ("identity", "token", "client")


def matching_lines(
    history: History, criteria: Criteria, lines: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The lines that match, in their order; the time span of the criteria is ignored. Raises
    ``SearchError`` and ``duckdb.Error``."""
    found = [one for one in lines if _matches(criteria, one)]
    about = criteria.about_names
    if about is None or not found:
        return found
    names = _matching_names(history, criteria, about, [str(one.get("name") or "") for one in found])
    return [one for one in found if one.get("name") in names]


def check_criteria(history: History, criteria: Criteria) -> None:
    """Raises ``SearchError`` if the criteria are not valid, and ``duckdb.Error``."""
    history.ask(lambda cursor, _, __: check(cursor, criteria))


def _matching_names(
    history: History, criteria: Criteria, about: Condition, names: list[str]
) -> set[str]:
    """By DuckDB: it decides as a search does, and reads an expression in linear time."""
    query = f"SELECT DISTINCT name FROM (SELECT unnest(?) AS name) WHERE {about.sql}"

    def select(cursor: Any, _: object, __: object) -> set[str]:
        check(cursor, criteria)
        return {str(name) for (name,) in run(cursor, query, [names, *about.values])}

    return history.ask(select)


def _matches(criteria: Criteria, line: dict[str, Any]) -> bool:
    """Whether all but the name matches."""
    wanted = ((word, getattr(criteria, word)) for word in _WORDS)
    if any(value is not None and line.get(word) != value for word, value in wanted):
        return False
    if criteria.type is not None and line.get("type") != criteria.type.upper():
        return False
    slower = criteria.slower_than_us
    if slower is not None and not int(line.get("duration_us") or 0) > slower:
        return False
    is_kind = criteria.client_kind is None or _is_kind(criteria, line)
    if not is_kind or not _came_so(criteria, line):
        return False
    rules = criteria.proof_rules or ProofRules()
    if criteria.proof is not None and rules.proof_of(line) != criteria.proof:
        return False
    if criteria.protection is not None:
        states = PROTECTIONS.get(criteria.protection, ())
        if rules.protection_of(line) not in states:
            return False
    return _is_wanted_client(criteria, line)


def _is_wanted_client(criteria: Criteria, line: dict[str, Any]) -> bool:
    if criteria.clients is not None and not criteria.clients.has(line):
        return False
    return criteria.client is None or _is_client(criteria.client, line)


def _came_so(criteria: Criteria, line: dict[str, Any]) -> bool:
    """Whether it came, and went on, as wanted."""
    if criteria.address is not None and line.get("client") != criteria.address:
        return False
    if criteria.tls is not None and tls_in(line) != criteria.tls:
        return False
    return criteria.upstream_tls is None or tls_out(line) == criteria.upstream_tls


def _is_kind(criteria: Criteria, line: dict[str, Any]) -> bool:
    """As the condition of `CLIENT_KINDS` decides by columns."""
    shown = next((word for word in _CLIENT if line.get(word) is not None), "anonymous")
    if shown != "identity":
        return criteria.client_kind == ("address" if shown == "client" else shown)
    is_claimed = (criteria.proof_rules or ProofRules()).is_claimed(line)
    return criteria.client_kind == ("claimed" if is_claimed else "identity")


def _is_client(wanted: str, line: dict[str, Any]) -> bool:
    shown = [str(line[word]) for word in _CLIENT if line.get(word) is not None]
    if wanted.endswith("*"):
        return any(one.startswith(wanted[:-1]) for one in shown)
    return wanted in shown

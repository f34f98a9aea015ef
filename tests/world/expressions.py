"""The names that the core matches with an expression, tested with a policy that blocks them."""

import json
from collections.abc import Iterable
from pathlib import Path

from keyhole.config.documents import read_text_documents
from keyhole.engine import Refusal, judge
from keyhole.policy import compile_documents
from tests.world.resolver import document


def core_finds(expression: str, names: Iterable[str]) -> list[bool] | None:
    """For each name whether the core finds the expression in it; none where it refuses it."""
    return core_matches([f"/{expression}/"], names)


def core_matches(matches: Iterable[str], names: Iterable[str]) -> list[bool] | None:
    """For each name whether any of these, as rules have them, means it; none where the core
    refuses one."""
    policy = document(
        "Policy", "home", default="allow", rules=[{"block": list(matches)}], upstreams=["x"]
    )
    upstream = document(
        "Upstream", "x", protocol="dot", addresses=["192.0.2.1"], serverName="dns.example.org"
    )
    text = "\n---\n".join(json.dumps(one) for one in (policy, upstream))
    documents, problems = read_text_documents(text, "x.yaml", Path("/nowhere"))
    assert not problems, problems
    snapshot = compile_documents(documents, 1, None).snapshot.to_json()
    asked = [{"name": name, "type": "A", "transport": "udp", "as": None} for name in names]
    try:
        return [verdict["reason"] == "blocked_by_rule" for verdict in judge(snapshot, asked)]
    except Refusal:
        return None

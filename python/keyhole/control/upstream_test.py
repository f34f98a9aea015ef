"""Asks one upstream a question, as the engine would, and says what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from keyhole.control.compile import Compiled
from keyhole.control.error import NotThereError
from keyhole.control.explain import shown_identities
from keyhole.engine import explain
from keyhole.engine.launch import Identity
from keyhole.model.engine_stats import UpstreamStats
from keyhole.model.snapshot import Answer, ForwardedDomain, Snapshot, SnapshotPolicy, UpstreamSet
from keyhole.model.snapshot_identity import Subjects

ROOT = "."
"""The name that is asked for, with its name servers, which reveals nothing."""
HEDGE_MS, TIMEOUT_MS = 2_000, 2_500
"""Less than the three seconds that the core gives such a question, so that what the upstream did is
known before they are over."""


@dataclass(frozen=True)
class UpstreamTest:
    """What came of asking one upstream."""

    stats: UpstreamStats
    """What it counted for this one question, in an engine of its own."""
    is_answered: bool
    reason: str
    """Why there is no answer, as a word of the reasons; else the reason of the answer."""

    @property
    def error(self) -> str | None:
        """Why it did not answer; none if it did."""
        if self.is_answered:
            return None
        if self.stats["last_error"]:
            return self.stats["last_error"]
        # The reason is then still that of the question, which was to be forwarded.
        return "no answer in time" if self.reason == "forwarded" else self.reason


def ask_upstream(compiled: Compiled, name: str) -> UpstreamTest:
    """Asks the upstream ``name`` of the documents in force for the root name servers, or, where it
    has domains, for those of the first one, with the same checks of its certificate as the engine,
    and on a connection of its own. Blocks for a few seconds. Raises `NotThereError`."""
    snapshot = compiled.plain
    place = _place(snapshot, name)
    asked = (
        domain.name
        for policy in snapshot.policies
        for domain in policy.domains
        if place in snapshot.upstream_sets[domain.upstream_set].upstreams
    )
    return ask_upstream_in(snapshot, name, compiled.identities, next(asked, ROOT))


def ask_upstream_in(
    snapshot: Snapshot, name: str, identities: Mapping[str, Identity], domain: str = ROOT
) -> UpstreamTest:
    """As `ask_upstream`, for a snapshot that need not be in force; of its policies and lists
    nothing is used. ``identities`` are the certificates for upstreams, ``domain`` is what the
    upstream is asked for."""
    told = explain(
        _alone(snapshot, _place(snapshot, name), domain).to_json(),
        domain,
        "NS",
        lookup=True,
        identities=shown_identities(identities),
    )
    return UpstreamTest(_stats(told, name), bool(told["looked_up"]), str(told["reason"]))


def _stats(told: Mapping[str, Any], name: str) -> UpstreamStats:
    return next(cast(UpstreamStats, one) for one in told["upstreams"] if one["name"] == name)


def _place(snapshot: Snapshot, name: str) -> int:
    place = next((at for at, one in enumerate(snapshot.upstreams) if one.name == name), None)
    if place is None:
        raise NotThereError(f"there is no Upstream {name} in force")
    return place


def _alone(snapshot: Snapshot, place: int, domain: str) -> Snapshot:
    """A snapshot with this upstream alone, whose one policy lets everything through, and lets the
    domain leave also where it has a special use."""
    only = UpstreamSet(name="test", upstreams=[0], hedge_ms=HEDGE_MS, timeout_ms=TIMEOUT_MS)
    policy = SnapshotPolicy(
        name="test",
        mode="enforce",
        log="none",
        default="allow",
        rules=[],
        lists=[],
        list_answer=Answer(text="nxdomain"),
        list_mode="enforce",
        paused=None,
        private_addresses="allow",
        private_names=[],
        forwarded_names=[],
        tunneling=None,
        domains=[] if domain == ROOT else [ForwardedDomain(name=domain, upstream_set=0)],
        blocked_ttl=0,
        upstream_set=0,
        record_set=0,
        origin="test",
    )
    return snapshot.model_copy(
        update={
            "list_file": None,
            "lists": [],
            "upstreams": [snapshot.upstreams[place]],
            "upstream_sets": [only],
            "records": [],
            "record_sets": [[]],
            "schedules": [],
            "subjects": Subjects(identities=[], below=[], tokens=[], networks=[], expired=None),
            "policies": [policy],
            "default_policy": 0,
            "unlogged": [],
        }
    )

"""Policies with their included policies, and the records that their clients see."""

from collections.abc import Iterator, Sequence

from keyhole.config.declaration import Declaration, Documents
from keyhole.model.list import ListSpec
from keyhole.model.policy import PolicySpec, Rule
from keyhole.model.record import RecordSpec
from keyhole.model.safe_search import RestrictedNames
from keyhole.model.snapshot import (
    Answer,
    Exempt,
    Index,
    RecordData,
    Rewrite,
    SnapshotPolicy,
    SnapshotRecord,
    SnapshotRule,
    Split,
    Tunneling,
)
from keyhole.model.tunneling import TunnelingUse
from keyhole.policy.compile.schedules import Schedules
from keyhole.policy.compile.upstreams import UpstreamSets
from keyhole.policy.include import FlatPolicy, applied_policies
from keyhole.policy.views import View, views


def lists_in_use(documents: Documents) -> tuple[Declaration[ListSpec], ...]:
    """The lists that a policy uses, in the order of documents; their ids are their indices."""
    used = {name for policy in applied_policies(documents) for name in policy.lists()}
    return tuple(one for one in documents.lists if one.name in used)


class Policies:
    """Compiles the policies that apply to somebody."""

    def __init__(
        self,
        documents: Documents,
        lists: Sequence[Declaration[ListSpec]],
        schedules: Schedules,
        upstream_sets: UpstreamSets,
    ) -> None:
        self._lists = {one.name: index for index, one in enumerate(lists)}
        self._schedules = schedules
        self._upstream_sets = upstream_sets
        self._flat = applied_policies(documents)
        self._views = views(documents, (one.policy.name for one in self._flat))
        self._records, self._places = _records(documents)
        self._record_sets: dict[View, int] = {}
        self._rewrite_sets: dict[tuple[RestrictedNames, ...], int] = {}

    def compile(self) -> list[SnapshotPolicy]:
        """The policies in the order of documents."""
        return [self._policy(flat) for flat in self._flat]

    @property
    def default(self) -> Index | None:
        """The index of the policy without subjects."""
        defaults = (index for index, one in enumerate(self._flat) if one.policy.spec.is_default)
        return next(defaults, None)

    @property
    def records(self) -> list[SnapshotRecord]:
        """All records that a document declares."""
        return self._records

    @property
    def record_sets(self) -> list[list[Index]]:
        """The sets of records that clients see, in the order of their policies."""
        return [
            [place for document in view for place in self._places[document]]
            for view in self._record_sets
        ]

    @property
    def rewrite_sets(self) -> list[list[Rewrite]]:
        """The names of search engines that are rewritten, by the sets that policies name."""
        return [
            [
                Rewrite(name=name, target=row.target, title=row.title)
                for row in chosen
                for name in row.names
            ]
            for chosen in self._rewrite_sets
        ]

    def _policy(self, flat: FlatPolicy) -> SnapshotPolicy:
        policy, spec = flat.policy, flat.policy.spec
        route = self._upstream_sets.route(policy)
        view = self._views[policy.name]
        return SnapshotPolicy(
            name=policy.name,
            mode=spec.mode,
            log=spec.log,
            default=spec.default,
            rules=[
                *(self._rule(*declared) for declared in flat.rules()),
                *_service_rules(flat),
            ],
            lists=[self._lists[name] for name in flat.lists()],
            list_answer=Answer(text=spec.lists.answer),
            list_mode=spec.lists.mode,
            paused=None,
            private_addresses=spec.private_addresses.default,
            private_names=list(spec.private_addresses.allow),
            forwarded_names=list(spec.special_names.forward),
            tunneling=_tunneling(spec.tunneling),
            missing_domains=None if spec.missing_domains == "off" else spec.missing_domains,
            blocked_ttl=spec.blocked_ttl,
            domains=route.domains,
            upstream_set=route.upstream_set,
            record_set=self._record_sets.setdefault(view, len(self._record_sets)),
            rewrite_set=self._rewrite_set(flat),
            origin=policy.origin(),
        )

    def _rewrite_set(self, flat: FlatPolicy) -> Index | None:
        chosen = flat.restricted()
        # A policy that only observes changes no answer.
        if not chosen or flat.policy.spec.mode == "observe":
            return None
        return self._rewrite_sets.setdefault(chosen, len(self._rewrite_sets))

    def _rule(self, policy: Declaration[PolicySpec], index: int, rule: Rule) -> SnapshotRule:
        return SnapshotRule(
            action="block" if rule.allow is None else "allow",
            matches=list(rule.matches),
            types=list(rule.types),
            answer=Answer(text=rule.block_answer),
            mode=rule.mode,
            when=self._schedules.place(rule.when),
            during=None,
            important=rule.important,
            decision=False,
            origin=policy.origin("spec", "rules", index),
        )


def _service_rules(flat: FlatPolicy) -> Iterator[SnapshotRule]:
    """A block rule for each service, after all others: the first of a rank decides."""
    for policy, index, service in flat.services():
        yield SnapshotRule(
            action="block",
            matches=service.matches,
            types=[],
            answer=Answer(text=flat.policy.spec.lists.answer),
            mode="enforce",
            when=None,
            during=None,
            important=False,
            decision=False,
            origin=policy.origin("spec", "services", index),
        )


def _tunneling(use: TunnelingUse) -> Tunneling | None:
    if use.mode == "off":
        return None
    exempt = [Exempt(domain=one.domain, reason=one.reason, until=one.ends) for one in use.exempt]
    split = use.split
    return Tunneling(
        mode=use.mode,
        alert=use.alert,
        throttle=use.throttle,
        block=use.block,
        day=use.day,
        split=None if split.mode == "off" else Split(mode=split.mode, octets=split.octets),
        exempt=exempt,
        quarantine=use.quarantine,
    )


def _records(documents: Documents) -> tuple[list[SnapshotRecord], list[range]]:
    """All records, and for each document the indices of its own."""
    records: list[SnapshotRecord] = []
    places: list[range] = []
    for declared in documents.records:
        before = len(records)
        records += _of_one(declared)
        places.append(range(before, len(records)))
    return records, places


def _of_one(record: Declaration[RecordSpec]) -> list[SnapshotRecord]:
    return [
        SnapshotRecord(
            name=record.spec.name,
            ttl=record.spec.ttl,
            data=RecordData.model_validate({kind: value}),
            origin=record.origin(),
        )
        for kind, value in record.spec.data()
    ]

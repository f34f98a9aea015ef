"""Compiles checked documents into the snapshot for the engine."""

from dataclasses import dataclass
from pathlib import Path

from keyhole.config.declared import Declared, Documents
from keyhole.errors import DocumentErrors
from keyhole.model.list import ListSpec
from keyhole.model.policy import PolicySpec, Rule
from keyhole.model.record import RecordSpec
from keyhole.model.snapshot import (
    Answer,
    ListFile,
    RecordData,
    Roots,
    Snapshot,
    SnapshotList,
    SnapshotPolicy,
    SnapshotRecord,
    SnapshotRule,
    SnapshotUpstream,
    UpstreamSet,
)
from keyhole.model.snapshot_who import Revoked, Subjects, Trust
from keyhole.model.upstream import DOH_PATH, PORTS, UpstreamSpec
from keyhole.policy.material import client_files, client_identity, read_roots

ClientFiles = tuple[Path, Path]


@dataclass(frozen=True)
class Compiled:
    """The snapshot, and what has to be installed in the engine before it: certificate and key
    files by the name of the identity."""

    snapshot: Snapshot
    identities: dict[str, ClientFiles]


def lists_in_use(documents: Documents) -> tuple[Declared[ListSpec], ...]:
    """The lists that a policy names, in the order of documents; their ids are their places."""
    used = {name for policy in documents.policies for name in policy.spec.lists.names}
    return tuple(one for one in documents.lists if one.name in used)


def compile_documents(
    documents: Documents, number: int, list_file: ListFile | None = None
) -> Compiled:
    """Compiles documents that `load_documents` has accepted.

    ``list_file`` holds `lists_in_use` compiled in that order, and is wanted if there are any.
    Equal documents give equal snapshots apart from ``number``. Raises `DocumentErrors` where a
    file beside a document has become unusable meanwhile.
    """
    lists = lists_in_use(documents)
    if lists and list_file is None:
        raise ValueError("the policy uses lists, so they have to be compiled first")
    upstreams = [_upstream(one) for one in documents.upstreams]
    sets: list[UpstreamSet] = []
    records = [record for one in documents.records for record in _records(one)]
    policies = [_policy(one, documents, lists, sets) for one in documents.policies]
    snapshot = Snapshot(
        number=number,
        list_file=list_file if lists else None,
        lists=[SnapshotList(name=one.name, kind=one.spec.kind) for one in lists],
        upstreams=upstreams,
        upstream_sets=sets,
        records=records,
        record_sets=[list(range(len(records)))],
        schedules=[],
        trust=Trust(domains=[], revoked=Revoked(identities=[], certificates=[])),
        subjects=Subjects(identities=[], below=[], tokens=[], networks=[], expired=None),
        policies=policies,
        default_policy=0 if policies else None,
    )
    return Compiled(snapshot, _identities(documents))


def _upstream(upstream: Declared[UpstreamSpec]) -> SnapshotUpstream:
    spec = upstream.spec
    try:
        roots = read_roots(upstream)
    except ValueError as error:
        raise DocumentErrors([upstream.problem(["spec", "ca"], str(error))]) from None
    return SnapshotUpstream(
        name=upstream.name,
        protocol=spec.protocol,
        addresses=[one.with_port(PORTS[spec.protocol]) for one in spec.addresses],
        server_name=spec.server_name or "",
        path=(spec.path or DOH_PATH) if spec.protocol == "doh" else "",
        pins=list(spec.pins),
        server_id=None,
        roots=Roots(pem=roots),
        crls="",
        client_identity=client_identity(upstream),
    )


def _identities(documents: Documents) -> dict[str, ClientFiles]:
    found = ((client_identity(one), client_files(one)) for one in documents.upstreams)
    return {name: files for name, files in found if name is not None and files is not None}


def _policy(
    policy: Declared[PolicySpec],
    documents: Documents,
    lists: tuple[Declared[ListSpec], ...],
    sets: list[UpstreamSet],
) -> SnapshotPolicy:
    spec = policy.spec
    ids = {one.name: index for index, one in enumerate(lists)}
    return SnapshotPolicy(
        name=policy.name,
        mode="enforce",
        log="full",
        default=spec.default,
        rules=[_rule(policy, index, rule) for index, rule in enumerate(spec.rules)],
        lists=[ids[name] for name in spec.lists.names],
        list_answer=Answer(text=spec.lists.answer),
        list_mode=spec.lists.mode,
        private_addresses=spec.private_addresses,
        upstream_set=_upstream_set(policy, documents, sets),
        record_set=0,
        origin=policy.origin(),
    )


def _upstream_set(
    policy: Declared[PolicySpec], documents: Documents, sets: list[UpstreamSet]
) -> int:
    """The index of the set that the policy asks, which is added if no other policy has it."""
    use = policy.spec.upstreams
    places = {one.name: index for index, one in enumerate(documents.upstreams)}
    wanted = UpstreamSet(
        name=policy.name,
        upstreams=[places[name] for name in use.names] or list(places.values()),
        hedge_ms=use.hedge,
        timeout_ms=use.timeout,
    )
    for index, one in enumerate(sets):
        if one.model_copy(update={"name": wanted.name}) == wanted:
            return index
    sets.append(wanted)
    return len(sets) - 1


def _rule(policy: Declared[PolicySpec], index: int, rule: Rule) -> SnapshotRule:
    return SnapshotRule(
        action="block" if rule.allow is None else "allow",
        matches=list(rule.matches),
        types=list(rule.types),
        answer=Answer(text=rule.answer),
        mode=rule.mode,
        when=None,
        important=rule.important,
        origin=policy.origin("spec", "rules", index),
    )


def _records(record: Declared[RecordSpec]) -> list[SnapshotRecord]:
    return [
        SnapshotRecord(
            name=record.spec.name,
            ttl=record.spec.ttl,
            data=RecordData.model_validate({kind: value}),
            origin=record.origin(),
        )
        for kind, value in record.spec.data()
    ]

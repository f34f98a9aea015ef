"""The whole snapshot, from its parts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from keyhole.config.declaration import Declaration, Documents
from keyhole.model.list import ListSpec
from keyhole.model.match import Match
from keyhole.model.snapshot import (
    Index,
    ListFile,
    Rewrite,
    Snapshot,
    SnapshotList,
    SnapshotPolicy,
    SnapshotRecord,
    UpstreamSet,
    Validation,
)
from keyhole.model.snapshot_identity import Schedule, Subjects
from keyhole.policy.compile.policies import Policies, lists_in_use
from keyhole.policy.compile.schedules import Schedules
from keyhole.policy.compile.subjects import compile_subjects
from keyhole.policy.compile.trust import compile_trust
from keyhole.policy.compile.upstreams import (
    ClientFiles,
    UpstreamSets,
    client_identities,
    compile_upstream,
)
from keyhole.policy.remembered import Remembered
from keyhole.policy.trust_anchors import read_validation
from keyhole.policy.trust_context import TrustContext


@dataclass(frozen=True)
class Compiled:
    """The snapshot, and the identities to install in the engine before it: certificate and key
    files by name."""

    snapshot: Snapshot
    identities: dict[str, ClientFiles]


def compile_documents(
    documents: Documents,
    number: int,
    list_file: ListFile | None = None,
    *,
    context: TrustContext | None = None,
    year: int | None = None,
) -> Compiled:
    """Compiles documents that `load_documents` has accepted.

    ``list_file`` holds `lists_in_use` compiled in that order; it is required if there are any.
    ``year`` is the first year of schedules, this one by default. Equal documents give equal
    snapshots apart from ``number``. Raises `DocumentErrors` if a file of a document cannot be used
    any more.
    """
    lists = lists_in_use(documents)
    if lists and list_file is None:
        raise ValueError("the policy uses lists, so they have to be compiled first")
    context = context or TrustContext()
    year = datetime.now(UTC).year if year is None else year
    policies = _policies(documents, lists, year)
    snapshot = Snapshot(
        number=number,
        list_file=list_file if lists else None,
        lists=[SnapshotList(name=one.name, kind=one.spec.kind) for one in lists],
        upstreams=[compile_upstream(one) for one in documents.upstreams],
        upstream_sets=policies.upstream_sets,
        records=policies.records,
        record_sets=policies.record_sets,
        rewrite_sets=policies.rewrite_sets,
        schedules=policies.schedules,
        trust=compile_trust(documents, context),
        subjects=_subjects(documents, context, policies.policies),
        policies=policies.policies,
        default_policy=policies.default,
        unlogged=_unlogged(documents),
    )
    return Compiled(snapshot, client_identities(documents, context.secrets))


@dataclass(frozen=True)
class _PolicyPart:
    """The part of a snapshot that depends on policies, and on what they name."""

    policies: list[SnapshotPolicy]
    default: Index | None
    records: list[SnapshotRecord]
    record_sets: list[list[Index]]
    rewrite_sets: list[list[Rewrite]]
    schedules: list[Schedule]
    upstream_sets: list[UpstreamSet]


_POLICIES: Remembered[_PolicyPart] = Remembered(2)
_SUBJECTS: Remembered[Subjects] = Remembered(2)


def _policies(
    documents: Documents, lists: Sequence[Declaration[ListSpec]], year: int
) -> _PolicyPart:
    names = tuple((one.name, tuple(one.spec.domains)) for one in documents.upstreams)
    # Read each time: the files of anchors may change without the documents.
    validations = {one.name: read_validation(one) for one in documents.policies}
    source = (documents.policies, documents.records, tuple(lists), names, year, validations)
    return _POLICIES.get(source, lambda: _compile_policies(documents, lists, year, validations))


def _compile_policies(
    documents: Documents,
    lists: Sequence[Declaration[ListSpec]],
    year: int,
    validations: Mapping[str, Validation | None],
) -> _PolicyPart:
    upstream_sets, schedules = UpstreamSets(documents, validations), Schedules(year)
    policies = Policies(documents, lists, schedules, upstream_sets)
    return _PolicyPart(
        policies.compile(),
        policies.default,
        policies.records,
        policies.record_sets,
        policies.rewrite_sets,
        schedules.all,
        upstream_sets.all,
    )


def _unlogged(documents: Documents) -> list[Match]:
    """The names of all documents, each once."""
    every = (match for one in documents.log_exclusions for match in one.spec.names)
    return list({str(match): match for match in every}.values())


def _subjects(
    documents: Documents, context: TrustContext, policies: Sequence[SnapshotPolicy]
) -> Subjects:
    places = {one.name: index for index, one in enumerate(policies)}
    source = (documents.clients, documents.policies, dict(context.tokens or {}), places)
    return _SUBJECTS.get(source, lambda: compile_subjects(documents, context, places))

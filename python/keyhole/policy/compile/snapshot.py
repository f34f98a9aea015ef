"""The whole snapshot, from its parts."""

from dataclasses import dataclass
from datetime import UTC, datetime

from keyhole.config.declaration import Documents
from keyhole.model.snapshot import ListFile, Snapshot, SnapshotList
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
    upstream_sets = UpstreamSets(documents)
    schedules = Schedules(datetime.now(UTC).year if year is None else year)
    policies = Policies(documents, lists, schedules, upstream_sets)
    compiled = policies.compile()
    places = {one.name: index for index, one in enumerate(compiled)}
    snapshot = Snapshot(
        number=number,
        list_file=list_file if lists else None,
        lists=[SnapshotList(name=one.name, kind=one.spec.kind) for one in lists],
        upstreams=[compile_upstream(one) for one in documents.upstreams],
        upstream_sets=upstream_sets.all,
        records=policies.records,
        record_sets=policies.record_sets,
        schedules=schedules.all,
        trust=compile_trust(documents, context),
        subjects=compile_subjects(documents, context, places),
        policies=compiled,
        default_policy=policies.default,
    )
    return Compiled(snapshot, client_identities(documents, context.secrets))

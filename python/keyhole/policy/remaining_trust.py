"""What is left of the trust of the last good snapshot while documents are not valid.

A typo in one document must not keep trust alive that another document or file has given up. Only
taking away counts: new trust waits until all documents are valid.
"""

from collections.abc import Iterable

from keyhole.config.declaration import Documents
from keyhole.errors import DocumentErrors, Problem, has_errors
from keyhole.model.snapshot import SnapshotUpstream
from keyhole.model.snapshot_identity import TrustDomain
from keyhole.policy.compile.trust import compile_domain
from keyhole.policy.compile.upstreams import compile_upstream
from keyhole.policy.pem import certificates_in


def remaining_domains(
    last_good: Iterable[TrustDomain], documents: Documents, problems: Iterable[Problem]
) -> list[TrustDomain]:
    """Each trust domain with the roots that it had and still has, and its present revocation
    lists.

    One without a document is gone, unless the file that declared it cannot be read now: nobody can
    tell what that is to say. The same holds for a document whose own form or files are not valid.
    """
    declared = {one.name: one for one in documents.trust_domains}
    invalid = {one.name for one in documents.of_kind("TrustDomain")} - declared.keys()
    unreadable = {one.file for one in problems if has_errors([one]) and not one.document}
    found = []
    for one in last_good:
        if one.name in declared:
            try:
                now = compile_domain(declared[one.name])
            except DocumentErrors:
                found.append(one)
                continue
            present = certificates_in(now.bundle)
            roots = [pem for pem in certificates_in(one.bundle) if pem in present]
            if roots:
                crls = now.crls or one.crls
                found.append(one.model_copy(update={"bundle": "".join(roots), "crls": crls}))
        elif one.name in invalid or one.origin.partition(":")[0] in unreadable:
            found.append(one)
    return found


def remaining_upstreams(
    last_good: Iterable[SnapshotUpstream], documents: Documents
) -> list[SnapshotUpstream]:
    """Each upstream with the roots, pins and revocation lists of its document as it is now.

    One whose document is gone or not valid stays as it was: to ask another upstream, or none, is
    not what a removal of trust says.
    """
    declared = {one.name: one for one in documents.upstreams}
    found = []
    for one in last_good:
        try:
            now = compile_upstream(declared[one.name])
        except (KeyError, DocumentErrors):
            found.append(one)
            continue
        update = {"roots": now.roots, "pins": now.pins, "crls": now.crls or one.crls}
        found.append(one.model_copy(update=update))
    return found

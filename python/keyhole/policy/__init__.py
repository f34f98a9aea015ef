"""Checks documents against each other and compiles them into the snapshot.

`load_documents` reads and checks, ``keyhole.lists`` compiles `lists_in_use`, and
`compile_documents` returns the snapshot.
"""

from keyhole.policy.certificate_files import SECRETS_FOLDER
from keyhole.policy.check import check, cross_check, load_documents
from keyhole.policy.compile import Compiled, compile_documents, lists_in_use
from keyhole.policy.default import default_documents
from keyhole.policy.own_names import protected_names
from keyhole.policy.remaining_trust import remaining_domains, remaining_upstreams
from keyhole.policy.removed_subjects import RemovedSubject, removed_subjects
from keyhole.policy.trust_context import TrustContext

__all__ = [
    "SECRETS_FOLDER",
    "Compiled",
    "RemovedSubject",
    "TrustContext",
    "check",
    "compile_documents",
    "cross_check",
    "default_documents",
    "lists_in_use",
    "load_documents",
    "protected_names",
    "remaining_domains",
    "remaining_upstreams",
    "removed_subjects",
]

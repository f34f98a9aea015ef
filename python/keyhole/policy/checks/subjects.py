"""Cross-checks of subjects: each has one policy, and each exists."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from keyhole.config.declaration import Declaration, Documents
from keyhole.errors import Problem
from keyhole.model.policy import PolicySpec
from keyhole.model.spiffe import SCHEME, trust_domain_of
from keyhole.model.subject import Subject
from keyhole.model.suggestion import suggest
from keyhole.policy.trust_context import TrustContext


@dataclass(frozen=True)
class Assignment:
    """The policy of a subject, and the index of the subject there."""

    subject: Subject
    policy: Declaration[PolicySpec]
    index: int

    @property
    def place(self) -> str:
        """The policy with file and line, such as ``Policy/base at policy.yaml:7``."""
        line = self.problem("").line
        return f"{self.policy.label} at {self.policy.source.name}:{line}"

    def problem(self, why: str, *, is_advice: bool = False) -> Problem:
        """A problem at the subject."""
        return self.policy.problem(["spec", "subjects", self.index], why, is_advice=is_advice)


def assignments(documents: Documents) -> Iterator[Assignment]:
    """Every subject of every policy, in the order of documents."""
    for policy in documents.policies:
        for index, subject in enumerate(policy.spec.subjects or ()):
            yield Assignment(subject, policy, index)


def first_assignments(documents: Documents) -> dict[Subject, Assignment]:
    """The policy of each subject; of two policies, the first."""
    found: dict[Subject, Assignment] = {}
    for assignment in assignments(documents):
        found.setdefault(assignment.subject, assignment)
    return found


def check_subjects(
    documents: Documents, context: TrustContext, *, is_whole: bool
) -> Iterator[Problem]:
    """Problems of subjects, and advice on those that match nobody."""
    yield from _second_defaults(documents)
    yield from _twice(documents)
    for problem in _missing(documents):
        yield problem if is_whole else replace(problem, is_advice=True)
    for assignment in assignments(documents):
        why = _match_nobody(assignment.subject, context)
        if why is not None:
            yield assignment.problem(why, is_advice=True)
    if is_whole:
        yield from _unknown_trust_domains(documents, context)


def _second_defaults(documents: Documents) -> Iterator[Problem]:
    defaults = [policy for policy in documents.policies if policy.spec.is_default]
    for other in defaults[1:]:
        why = (
            f"{defaults[0].place} has no subjects already and applies to the clients of no other "
            "policy; name subjects here, or write subjects: [] where it is only included"
        )
        yield other.problem(["spec", "subjects"], why)


def _twice(documents: Documents) -> Iterator[Problem]:
    first = first_assignments(documents)
    for assignment in assignments(documents):
        other = first[assignment.subject]
        if other.policy is not assignment.policy:
            why = f"{assignment.subject} is a subject of {other.place}; one subject has one policy"
            yield assignment.problem(why)


def _missing(documents: Documents) -> Iterator[Problem]:
    clients = documents.names("Client")
    groups = sorted({group for one in documents.clients for group in one.spec.groups})
    # With an invalid client it is unknown which groups exist.
    groups_are_known = len(documents.clients) == len(clients)
    names, named_groups = frozenset(clients), frozenset(groups)
    for assignment in assignments(documents):
        subject = assignment.subject
        if subject.kind == "client" and subject.value not in names:
            yield assignment.problem(
                f"there is no Client {subject.value}; {_near(subject, clients)}"
            )
        if subject.kind == "group" and groups_are_known and subject.value not in named_groups:
            yield assignment.problem(
                f"no Client is in group {subject.value}; {_near(subject, groups)}"
            )


def _near(subject: Subject, names: list[str]) -> str:
    return suggest(subject.value, names)


def _match_nobody(subject: Subject, context: TrustContext) -> str | None:
    if subject.kind == "token":
        return unknown_token(subject.value, context)
    if subject.kind == "cidr" and context.admits_networks is False:
        return unused_network(str(subject))
    return None


def unknown_token(name: str, context: TrustContext) -> str | None:
    """The error for a token that does not exist; none if it does, or if tokens are unknown."""
    if context.tokens is None or name in context.tokens:
        return None
    return f"token:{name} is not known; make it with keyhole token create {name}"


def unused_network(what: str) -> str:
    """The error for an address if every listener requires credentials."""
    return (
        f"{what} matches nobody: every listener requires a certificate or token; to serve clients "
        "by their network, set authentication to permissive for one"
    )


def _unknown_trust_domains(documents: Documents, context: TrustContext) -> Iterator[Problem]:
    if context.trusted_domains is None:
        return
    trusted = context.trusted_domains | set(documents.names("TrustDomain"))
    for assignment in assignments(documents):
        if assignment.subject.kind in ("identity", "below"):
            why = unknown_trust_domain(assignment.subject.value, trusted)
            if why is not None:
                yield assignment.problem(why, is_advice=True)
    for client in documents.clients:
        for index, identity in enumerate(client.spec.identities):
            why = unknown_trust_domain(identity, trusted)
            if why is not None:
                yield client.problem(["spec", "identities", index], why, is_advice=True)


def unknown_trust_domain(identity: str, trusted: frozenset[str]) -> str | None:
    """The error for an identity in an unknown trust domain; none if it is known."""
    domain = trust_domain_of(identity)
    if domain in trusted:
        return None
    return (
        f"no authority of {SCHEME}{domain} is known, so no client can show this; declare a "
        f"TrustDomain {domain} with its bundle; known are {', '.join(sorted(trusted)) or 'none'}"
    )

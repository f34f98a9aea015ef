"""Cross-checks of subjects: each has one policy, and each that is named exists."""

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
    """A policy that speaks for a subject, and where it says so."""

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
    """Which policy speaks for each subject."""
    found: dict[Subject, Assignment] = {}
    for assignment in assignments(documents):
        found.setdefault(assignment.subject, assignment)
    return found


def check_subjects(
    documents: Documents, context: TrustContext, *, is_whole: bool
) -> Iterator[Problem]:
    """Everything that is wrong with subjects, and those that can mean nobody."""
    yield from _second_defaults(documents)
    yield from _twice(documents)
    for problem in _missing(documents):
        yield problem if is_whole else replace(problem, is_advice=True)
    for assignment in assignments(documents):
        why = _means_nobody(assignment.subject, context)
        if why is not None:
            yield assignment.problem(why, is_advice=True)
    if is_whole:
        yield from _unknown_trust_domains(documents, context)


def _second_defaults(documents: Documents) -> Iterator[Problem]:
    defaults = [policy for policy in documents.policies if policy.spec.is_default]
    for other in defaults[1:]:
        why = (
            f"{defaults[0].place} has no subjects already and speaks for whoever no other policy "
            "means; name subjects here, or write subjects: [] where it is only included"
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
    # With an unreadable client nobody knows which groups there are.
    groups_are_known = len(documents.clients) == len(clients)
    names = frozenset(clients)
    for assignment in assignments(documents):
        subject = assignment.subject
        if subject.kind == "client" and subject.value not in names:
            yield assignment.problem(
                f"there is no Client {subject.value}; {_near(subject, clients)}"
            )
        if subject.kind == "group" and groups_are_known and subject.value not in groups:
            yield assignment.problem(
                f"no Client is in group {subject.value}; {_near(subject, groups)}"
            )


def _near(subject: Subject, names: list[str]) -> str:
    return suggest(subject.value, names)


def _means_nobody(subject: Subject, context: TrustContext) -> str | None:
    if subject.kind == "token":
        return unknown_token(subject.value, context)
    if subject.kind == "cidr" and context.admits_networks is False:
        return by_network(str(subject))
    return None


def unknown_token(name: str, context: TrustContext) -> str | None:
    """What to do about a token that nobody made; none where it is there, or that is not known."""
    if context.tokens is None or name in context.tokens:
        return None
    return f"token:{name} is not known; make it with keyhole token create {name}"


def by_network(what: str) -> str:
    """Why an address means nobody where every listener asks who is there."""
    return (
        f"{what} means nobody: every listener wants a certificate or token; to serve clients by "
        "their network, set authentication to permissive for one"
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
    """What to do about an identity that nobody can prove."""
    domain = trust_domain_of(identity)
    if domain in trusted:
        return None
    return (
        f"nobody vouches for {SCHEME}{domain}, so no client can show this; declare a TrustDomain "
        f"{domain} with its bundle; known are {', '.join(sorted(trusted)) or 'none'}"
    )

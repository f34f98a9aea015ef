"""The clients of the last good snapshot that lost their document while others are not valid.

To take a client away is to take trust away, and that does not wait for a typo elsewhere. What the
client would get instead is known only once all documents are valid: until then it is refused.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from keyhole.config.declaration import Documents
from keyhole.errors import Problem, has_errors
from keyhole.model.address import read_network
from keyhole.model.snapshot import Snapshot
from keyhole.model.subject import read_subject
from keyhole.policy.checks.subjects import assignments
from keyhole.policy.longest_prefix import NetworkTable


class RemovedSubject(NamedTuple):
    """A line of a table of subjects in the snapshot, or what chooses a policy without a table."""

    table: str
    key: str
    subject: str
    """What chose the policy."""


EXPIRED = RemovedSubject("expired", "", "expired")
"""Clients whose certificate has expired."""
DEFAULT = RemovedSubject("default_policy", "", "the policy without subjects")
"""The clients of no other policy."""


def removed_subjects(
    last_good: Snapshot, documents: Documents, problems: Iterable[Problem]
) -> list[RemovedSubject]:
    """Each line whose policy no document gives any more.

    A line stays if a document that is not valid names it: nobody can tell what that is to say. It
    stays, too, while a file cannot be read at all.
    """
    texts = [one for one in documents.invalid_texts if one is not None]
    if len(texts) != len(documents.invalid_texts):
        return []
    present = _Present(documents)
    found = [
        line for line, client in _lines(last_good) if _is_removed(line, client, present, texts)
    ]
    files = {one.file for one in problems if has_errors([one])}
    return [*found, DEFAULT] if _is_default_removed(last_good, documents, texts, files) else found


def _is_default_removed(
    last_good: Snapshot, documents: Documents, texts: list[str], invalid_files: set[str]
) -> bool:
    """Whether no document can be the policy without subjects any more. Where there is no policy at
    all, nothing says that this is meant: they may have been lost."""
    if last_good.default_policy is None or not documents.policies:
        return False
    before = last_good.policies[last_good.default_policy]
    may_be = before.origin.partition(":")[0] in invalid_files or any(
        _names([text], [before.name])
        or (_names([text], ["Policy"]) and not _names([text], ["subjects"]))
        for text in texts
    )
    return not may_be and not any(one.spec.is_default for one in documents.policies)


def _is_removed(
    line: RemovedSubject, client: str | None, present: "_Present", texts: list[str]
) -> bool:
    if not present.has_policy(line) and not _names(texts, [line.subject]):
        return True
    words = [*_forms(line), *([client] if client else ())]
    return not present.has_client(line) and not _names(texts, words)


class _Present:
    """What valid documents give to whom."""

    def __init__(self, documents: Documents) -> None:
        self._subjects = {one.subject for one in assignments(documents)}
        self._credentials: dict[str, set[str]] = defaultdict(set)
        self._networks: dict[str, NetworkTable[bool]] = defaultdict(NetworkTable)
        for client in documents.clients:
            labels = [f"client:{client.name}", *(f"group:{one}" for one in client.spec.groups)]
            for label in labels:
                self._credentials[label].update((*client.spec.identities, *client.spec.tokens))
                for network in client.spec.addresses:
                    self._networks[label].add(network, True)

    def has_policy(self, line: RemovedSubject) -> bool:
        """Whether a policy still names the subject."""
        return read_subject(line.subject) in self._subjects

    def has_client(self, line: RemovedSubject) -> bool:
        """Whether a client still has the credential, where the subject means clients."""
        if read_subject(line.subject).kind not in ("client", "group"):
            return True
        if line.table == "networks":
            return any(self._networks[line.subject].covering(read_network(line.key)))
        return line.key in self._credentials[line.subject]


def _lines(snapshot: Snapshot) -> Iterator[tuple[RemovedSubject, str | None]]:
    """The lines that have a policy, each with the name of its client."""
    subjects = snapshot.subjects
    for identity in subjects.identities:
        if identity.policy is not None:
            line = RemovedSubject("identities", identity.id, identity.subject)
            yield line, identity.client
    if subjects.expired is not None:
        yield EXPIRED, None
    for path in subjects.below:
        yield RemovedSubject("below", path.prefix, path.subject), None
    for token in subjects.tokens:
        if token.policy is not None:
            yield RemovedSubject("tokens", token.name, token.subject), token.client
    for network in subjects.networks:
        if network.policy is not None:
            line = RemovedSubject("networks", network.network, network.subject)
            yield line, network.client


def _names(texts: Iterable[str], words: Iterable[str]) -> bool:
    return any(_word(word).search(text) for text in texts for word in words)


def _forms(line: RemovedSubject) -> set[str]:
    """The ways to write a credential; a network of one address needs no length."""
    if line.table != "networks":
        return {line.key} if line.key else {line.subject}
    return {line.key, str(read_network(line.key).network_address)}


@lru_cache(maxsize=4_096)
def _word(word: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w.-]){re.escape(word)}(?![\w.-])")

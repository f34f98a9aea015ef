"""What is written back: the condition Ready of each object, and an event when it changes."""

from dataclasses import dataclass
from datetime import UTC, datetime

from keyhole.mesh.documents.choice import Choice
from keyhole.mesh.documents.delegation import Delegation
from keyhole.mesh.documents.kinds import OBJECTS
from keyhole.mesh.documents.resource import READY, Resource
from keyhole.mesh.objects import Tree

IN_FORCE, INVALID, NOT_DELEGATED, WAITING = "InForce", "Invalid", "NotDelegated", "Waiting"
"""The reasons of the condition."""
_MAX_MESSAGE = 1000
"""Characters; an event has room for 1024."""


@dataclass(frozen=True)
class Verdict:
    """What is to be said of one object."""

    is_ready: bool
    reason: str
    message: str
    document: str

    def condition(self, one: Resource, now: datetime) -> Tree:
        """The condition; its time is that of the last change from true to false or back."""
        word = str(self.is_ready)
        since = str(one.ready.get("lastTransitionTime") or "")
        if one.ready.get("status") != word or not since:
            since = _time(now)
        return {
            "type": READY,
            "status": word,
            "observedGeneration": one.generation,
            "lastTransitionTime": since,
            "reason": self.reason,
            "message": self.message,
        }

    def status(self, one: Resource, now: datetime) -> Tree:
        """The change of the object that says it."""
        conditions = [*one.conditions, self.condition(one, now)]
        return {"status": {"document": self.document, "conditions": conditions}}

    def is_news(self, one: Resource) -> bool:
        """Whether it is worth an event: a new version alone is not."""
        said = (one.ready.get("status"), one.ready.get("reason"), one.ready.get("message"))
        return said != (str(self.is_ready), self.reason, self.message)

    def is_said(self, one: Resource) -> bool:
        """Whether its status has all of it already."""
        is_same = one.ready.get("observedGeneration") == one.generation
        return is_same and one.document == self.document and not self.is_news(one)

    def event(self, one: Resource, now: datetime, version: str) -> Tree:
        """An event about the object."""
        key = one.key
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"generateName": f"{key.name[:50]}.", "namespace": key.namespace},
            "involvedObject": {
                "apiVersion": version,
                "kind": OBJECTS[key.kind],
                "namespace": key.namespace,
                "name": key.name,
                "uid": one.uid,
            },
            "type": "Normal" if self.is_ready else "Warning",
            "reason": self.reason,
            "message": self.message,
            "source": {"component": "keyhole"},
            "firstTimestamp": _time(now),
            "lastTimestamp": _time(now),
            "count": 1,
        }


def verdict(one: Resource, choice: Choice, delegation: Delegation, problem: str) -> Verdict:
    """What to say of an object. ``problem`` is why the documents as a whole are not in force."""
    document = delegation.name_of(one.key)
    found = choice.why.get(one.key)
    if found is not None:
        message = f"{found.path}: {found.why}" if found.path else found.why
        if one.key in choice.texts:
            message = f"{_cut(message)}; the version before it stays in force"
        is_refusal = bool(delegation.problems(one))
        return Verdict(False, NOT_DELEGATED if is_refusal else INVALID, _cut(message), document)
    # While nothing changes, most are in force as they stand.
    waits = one.key in choice.waiting if choice.problem else bool(problem)
    if waits:
        message = "other documents keep it from being in force"
        # What is wrong with those of the operator is nobody else's business.
        if one.key.namespace == delegation.own:
            message += f": {choice.problem or problem}"
        return Verdict(False, WAITING, _cut(message), document)
    return Verdict(True, IN_FORCE, "it is in force", document)


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_MESSAGE else f"{text[: _MAX_MESSAGE - 3]}..."


def _time(now: datetime) -> str:
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

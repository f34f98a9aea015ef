"""Makes an item of what is in the clear."""

from dataclasses import dataclass, field

from keyhole.control.clients.asked import ClientKey
from keyhole.control.clients.listing import label_of, moment
from keyhole.control.in_the_clear.counting import ClearCounts
from keyhole.control.in_the_clear.model import ClearItem, ClearKind, ClearUser

MAX_USERS = 10
"""Users of one item that are named."""


@dataclass(frozen=True)
class Mending:
    """How to mend an item: a sentence, and a command, a setting or a document, if there is one."""

    words: str
    command: str | None = None
    setting: str | None = None
    document: str | None = None


@dataclass(frozen=True)
class Subject:
    """What is in the clear."""

    kind: ClearKind
    name: str
    what: str
    mending: Mending
    places: list[str] = field(default_factory=list)


def item(subject: Subject, counts: ClearCounts | None = None) -> ClearItem:
    """The item, with its counts where it carries queries."""
    users = _users(counts) if counts else []
    mending = subject.mending
    return ClearItem(
        id=f"{subject.kind}:{subject.name}",
        kind=subject.kind,
        name=subject.name,
        what=subject.what,
        places=subject.places,
        queries=counts.counts.queries if counts else None,
        last=moment(counts.last) if counts and counts.last is not None else None,
        reasons=counts.counts.lock().reasons if counts else [],
        users=users,
        more_users=len(counts.users) - len(users) if counts else 0,
        mend=mending.words,
        command=mending.command,
        setting=mending.setting,
        document=mending.document,
    )


def _users(counts: ClearCounts) -> list[ClearUser]:
    ranked = sorted(counts.users.items(), key=lambda one: (-one[1], one[0]))
    return [_user(key, queries, counts.last_of.get(key)) for key, queries in ranked[:MAX_USERS]]


def _user(key: ClientKey, queries: int, last: int | None) -> ClearUser:
    when = None if last is None else moment(last)
    return ClearUser(id=key.id, label=label_of(key), queries=queries, last=when)

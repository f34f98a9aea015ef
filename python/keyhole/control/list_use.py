"""Has policies use lists, or not: the use case of ``keyhole lists enable`` and ``disable``.

It makes requests that change documents by the same way as ``keyhole apply``. A List that is stored
names its policies itself, so that the file of a policy needs no change. Where a file decides, no
command changes it: then nothing is changed, and the error says which line of which file does it.
"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from keyhole.config.documents import read_text_documents
from keyhole.config.edit import EditError, has_keys, with_name, without_name
from keyhole.control.changes.change import Changes
from keyhole.control.changes.change_request import ChangeRequest, Outcome
from keyhole.control.changes.document_record import DocumentRecord
from keyhole.control.error import InvalidError, NotThereError, ReadOnlyError
from keyhole.lists.catalog import catalog
from keyhole.model.list import ListSpec
from keyhole.model.policy import PolicySpec
from keyhole.model.suggestion import suggest
from keyhole.store import Actor

_POLICIES = ["spec", "policies"]


@dataclass(frozen=True)
class NewList:
    """A list that is in no catalog: its name, and where it is downloaded from."""

    name: str
    url: str


async def enable(
    changes: Changes,
    names: Sequence[str],
    actor: Actor,
    *,
    policy: str | None = None,
    url: str | None = None,
    message: str | None = None,
) -> Outcome:
    """Has a policy use these lists, of the documents or of the catalog; by default the policy for
    all clients. With ``url``, the one name is that of a new List.

    Raises `NotThereError`, `InvalidError` where it is not clear which policy, `ReadOnlyError`
    where only a file can be changed, and `StuckError` where the documents cannot be read in time;
    and as `Changes.apply`.
    """
    if url is not None and len(names) != 1:
        raise InvalidError("a URL is that of one list; give one name")
    known = await _read(changes)
    new = NewList(names[0], url) if url is not None else None
    # Seconds with thousands of rules, and files that hang: that must not take the event loop.
    requests = await changes.sent.run(known.enable, names, policy, new)
    return await changes.apply(requests, actor, message=message or f"enables {_joined(names)}")


async def disable(
    changes: Changes,
    names: Sequence[str],
    actor: Actor,
    *,
    policy: str | None = None,
    message: str | None = None,
) -> Outcome:
    """Has a policy, or by default no policy, use these lists any more. A stored List that nothing
    uses then is deleted; its versions stay. Raises as `enable`."""
    known = await _read(changes)
    requests = await changes.sent.run(known.disable, names, policy)
    return await changes.apply(requests, actor, message=message or f"disables {_joined(names)}")


def _joined(names: Sequence[str]) -> str:
    return f"the list{'s' * (len(names) > 1)} {', '.join(names)}"


async def _read(changes: Changes) -> "KnownDocuments":
    records, _ = await asyncio.to_thread(changes.documents)
    return KnownDocuments(records, changes.folder)


@dataclass
class KnownDocuments:
    """The documents, and what becomes of them."""

    records: Sequence[DocumentRecord]
    folder: Path
    texts: dict[tuple[str, str], str | None] = field(default_factory=dict)
    """The new texts; ``None`` for a document that is deleted."""

    def enable(
        self, names: Sequence[str], policy: str | None, new: NewList | None
    ) -> list[ChangeRequest]:
        user = self._policy(policy)
        for name in dict.fromkeys(names):
            one = self._find("List", name)
            if new is not None and one is not None:
                raise InvalidError(
                    f"there is a List {name} already at {one.place}; leave --url out"
                )
            if one is None:
                self.texts["List", name] = self._new(name, new, user.name)
            elif not self._uses(user, one):
                self._add(one, user)
        return self._requests()

    def disable(self, names: Sequence[str], policy: str | None) -> list[ChangeRequest]:
        if policy is not None:
            self._policy(policy)
        for name in dict.fromkeys(names):
            one = self._find("List", name)
            if one is None:
                raise NotThereError(
                    f"there is no List {name}; {suggest(name, self._names('List'))}"
                )
            self._take(one, policy)
        return self._requests()

    def _add(self, one: DocumentRecord, user: DocumentRecord) -> None:
        if one.origin == "stored":
            self._edit(one, _POLICIES, user.name, is_added=True)
        elif user.origin == "stored":
            self._edit(user, self._list_keys(user), one.name, is_added=True)
        else:
            raise ReadOnlyError(
                f"{one.label} and {user.label} are declared in files, which no command changes; "
                f"it acts at once when you write this line below spec of {one.label} in "
                f"{self._place(one)}:\n  policies: [{', '.join([*self._policies(one), user.name])}]"
            )

    def _take(self, one: DocumentRecord, policy: str | None) -> None:
        naming = [user for user in self._of("Policy") if one.name in self._lists(user)]
        named = self._policies(one)
        if policy is not None and policy not in [*named, *(user.name for user in naming)]:
            raise NotThereError(self._why_not_used(one, policy))
        is_gone = policy in (None, *named) and bool(named)
        leaving = [user for user in naming if policy in (None, user.name)]
        self._refuse_declared(one, leaving, is_gone=is_gone)
        for user in leaving:
            self._edit(user, self._list_keys(user), one.name, is_added=False)
        left = [user for user in naming if user not in leaving]
        left_named = [name for name in named if policy not in (None, name)]
        if one.origin == "stored" and not left and not left_named:
            self.texts[one.kind, one.name] = None
        elif is_gone and policy is not None:
            self._edit(one, _POLICIES, policy, is_added=False)
        elif is_gone:
            for name in named:
                self._edit(one, _POLICIES, name, is_added=False)

    def _refuse_declared(
        self, one: DocumentRecord, leaving: Sequence[DocumentRecord], *, is_gone: bool
    ) -> None:
        """Raises `ReadOnlyError` with all that has to be changed in files."""
        lines = []
        if is_gone and one.origin == "declared":
            lines.append(f"{self._place(one)}: take out policies of {one.label}, or delete it")
        lines += [
            f"{self._place(user)}: take {one.name} out of lists of {user.label}"
            for user in leaving
            if user.origin == "declared"
        ]
        if lines:
            first = f"{one.name} is used by what files declare, which no command changes;"
            raise ReadOnlyError("\n".join([f"{first} it acts at once when you change:", *lines]))

    def _why_not_used(self, one: DocumentRecord, policy: str) -> str:
        users = [user.name for user in self._of("Policy") if self._uses(user, one)]
        by = f"it is used by {', '.join(users)}" if users else "no policy uses it"
        return f"Policy/{policy} does not name {one.label} itself; {by}"

    def _edit(
        self, record: DocumentRecord, keys: Sequence[str], name: str, *, is_added: bool
    ) -> None:
        text = self.texts.get((record.kind, record.name)) or record.text
        try:
            edited = (with_name if is_added else without_name)(text, keys, name)
        except EditError as error:
            what = f"add {name} to" if is_added else f"take {name} out of"
            raise InvalidError(
                f"cannot change {record.label}: {error}; {what} {'.'.join(keys)} yourself, with "
                f"keyhole get {record.kind.lower()} {record.name} -o yaml and keyhole apply"
            ) from None
        self.texts[record.kind, record.name] = edited

    def _requests(self) -> list[ChangeRequest]:
        return [
            ChangeRequest(kind, name, text, known.version if known else 0)
            for (kind, name), text in self.texts.items()
            for known in [self._find(kind, name)]
        ]

    def _policy(self, name: str | None) -> DocumentRecord:
        if name is not None:
            found = self._find("Policy", name)
            if found is None:
                known = self._names("Policy")
                raise NotThereError(f"there is no Policy {name}; {suggest(name, known)}")
            return found
        policies = self._of("Policy")
        for one in policies:
            if (spec := _policy_spec(one)) and spec.is_default:
                return one
        names = ", ".join(one.name for one in policies) or "there is none yet"
        raise InvalidError(
            "there is no policy for all clients; say which one uses the list (--policy NAME): "
            f"{names}"
        )

    def _new(self, name: str, new: NewList | None, policy: str) -> str:
        if new is not None:
            return (
                f"apiVersion: keyhole.dev/v1\nkind: List\nmetadata: {{name: {json.dumps(name)}}}\n"
                f"spec:\n  urls: [{json.dumps(new.url)}]\n  policies: [{json.dumps(policy)}]\n"
            )
        if name not in catalog():
            why = suggest(name, [*catalog(), *self._names("List")])
            raise NotThereError(
                f"{name} is not in the catalog and no List of yours; {why} (keyhole lists catalog "
                "shows all; --url adds another)"
            )
        return with_name(catalog()[name].document, _POLICIES, policy)

    def _of(self, kind: str) -> list[DocumentRecord]:
        return [one for one in self.records if one.kind == kind and not one.is_shadowed]

    def _names(self, kind: str) -> list[str]:
        return [one.name for one in self._of(kind)]

    def _find(self, kind: str, name: str) -> DocumentRecord | None:
        return next((one for one in self._of(kind) if one.name == name), None)

    def _uses(self, user: DocumentRecord, one: DocumentRecord) -> bool:
        return one.name in self._lists(user) or user.name in self._policies(one)

    def _lists(self, user: DocumentRecord) -> list[str]:
        spec = _policy_spec(user)
        return list(spec.lists.names) if spec else []

    def _policies(self, one: DocumentRecord) -> list[str]:
        documents, _ = read_text_documents(one.text, one.file, self.folder)
        specs: list[ListSpec] = [each.spec for each in documents.lists]
        return list(specs[0].policies) if specs else []

    def _list_keys(self, user: DocumentRecord) -> list[str]:
        """Where the text of a policy names its lists: in lists itself, or in names below it."""
        lists = ["spec", "lists"]
        return [*lists, "names"] if has_keys(user.text, lists) else lists

    def _place(self, record: DocumentRecord) -> str:
        if record.is_in_kubernetes:
            return record.place
        return f"{self.folder / record.file}:{record.line}"


def _policy_spec(record: DocumentRecord) -> PolicySpec | None:
    documents, _ = read_text_documents(record.text, record.file, Path())
    return documents.policies[0].spec if documents.policies else None

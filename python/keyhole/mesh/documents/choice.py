"""Which version of each object is in force: the newest one that is valid with all others.

An object that is not valid keeps its last valid version, so that one mistake stops nobody else.
"""

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from keyhole.errors import KeyholeError, Problem
from keyhole.mesh.documents.delegation import Delegation
from keyhole.mesh.documents.limits import over_budget, rules_of
from keyhole.mesh.documents.resource import Key, Resource
from keyhole.mesh.documents.written import Written

TRUST_KINDS = ("Client", "TrustDomain")
MAX_TRIES = 50
"""Checks of all documents for one change; what is not solved then changes nothing."""
_TRIES_OF_ONE = 6
"""Checks with mistakes in one namespace; then all of it stays as it was."""
MAX_SECONDS = 60.0
"""How long one choice looks for what is valid; then each delegated namespace with something new
stays as it was. It is below the time that the documents of all have."""
_ONE_BY_ONE = 10
"""Namespaces that are held one after the other where all together are too much."""
Texts = dict[Key, str]
Check = Callable[[Texts], Sequence[Problem]]
"""The errors of all documents with these; raises `KeyholeError` for what is no document's."""


@dataclass(frozen=True)
class Choice:
    """What is in force, and why the newest version of others is not."""

    texts: Texts
    why: dict[Key, Problem] = field(default_factory=dict)
    problem: str = ""
    """Why nothing changes at all; empty if something may."""
    waiting: frozenset[Key] = frozenset()
    """The objects that this keeps from being in force as they stand."""
    is_passing: bool = False
    """Whether that may end without a change of any document."""


def choose(
    objects: Iterable[Resource],
    last: Mapping[Key, str],
    delegation: Delegation,
    check: Check,
    *,
    written: Written | None = None,
    unread: Collection[tuple[str, str]] = (),
) -> Choice:
    """The newest valid versions. ``last`` are those in force, ``written`` what was made of objects
    before, ``unread`` the kinds and namespaces whose objects nobody could read: they stay.

    Where an object is not valid even as it was, because another one of its namespace changed or is
    gone, the namespace stays as it was. Where that does not help, a document of files is in the
    way: then it wins over a delegated one, and of Keyhole's own namespace nothing changes.
    """
    return _Chooser(objects, last, delegation, written or Written(delegation), unread).run(check)


class _Chooser:
    """One choice. A namespace that is held has its versions in force, and no change."""

    def __init__(
        self,
        objects: Iterable[Resource],
        last: Mapping[Key, str],
        delegation: Delegation,
        written: Written,
        unread: Collection[tuple[str, str]],
    ) -> None:
        self._last = last
        self._delegation = delegation
        self._why: dict[Key, Problem] = {}
        self._newest: Texts = {}
        self._objects: dict[str, list[Resource]] = {}
        for one in objects:
            made = written.of(one)
            if isinstance(made, Problem):
                self._why[one.key] = made
            elif not one.is_going:
                self._newest[one.key] = made
                self._objects.setdefault(one.key.namespace, []).append(one)
        stays = {key for key in last if (key.kind, key.namespace) in unread}
        # Who may not say it any more, has nothing in force. Trust that somebody has taken away does
        # not wait until others have mended their documents.
        self._kept = {
            key: text
            for key, text in last.items()
            if delegation.has(key.namespace)
            and (key.kind not in TRUST_KINDS or key in self._newest or key in self._why)
        }
        self._newest |= {key: self._kept[key] for key in stays if key in self._kept}
        self._texts = {
            **self._newest,
            **{key: self._kept[key] for key in self._why if key in self._kept},
        }
        self._held: set[str] = set()
        self._tries: Counter[str] = Counter()
        self._too_much: list[str] = []
        """The namespaces that are held because all together are too much, in that order."""
        self._rounds = 0

    def run(self, check: Check) -> Choice:
        self._hold_over_budget()
        end = time.monotonic() + MAX_SECONDS
        for _ in range(MAX_TRIES):
            if time.monotonic() > end:
                self._hold_all_new()
            try:
                found = [one for one in check(self._texts) if not one.is_advice]
            except KeyholeError as error:
                return replace(self._unchanged(str(error)), is_passing=True)
            if not found:
                self._release(check)
                return Choice(self._texts, {**self._held_back(), **self._why})
            shared = next((one for one in found if one.is_shared), None)
            if shared is not None:
                if not self._hold_largest(shared):
                    return self._unchanged(str(shared))
                continue
            blamed = self._blamed(found)
            for key, problem in blamed.items():
                self._why.setdefault(key, problem)
            stuck = self._replace(blamed) if blamed else None
            if not blamed:
                return self._unchanged(str(found[0]))
            if stuck is not None:
                return self._unchanged(str(blamed[stuck]))
        return self._unchanged("too many objects are not valid together")

    def _unchanged(self, problem: str) -> Choice:
        return Choice(self._kept, self._why, problem, self._changed())

    def _changed(self) -> frozenset[Key]:
        return frozenset(key for key, text in self._newest.items() if self._last.get(key) != text)

    def _hold(self, namespace: str, problem: Problem | None = None) -> None:
        """Puts a namespace back to what is in force; ``problem`` is told of all that is new."""
        self._held.add(namespace)
        for key in [one for one in self._texts if one.namespace == namespace]:
            del self._texts[key]
        self._texts |= {key: self._kept[key] for key in self._kept if key.namespace == namespace}
        if problem is not None:
            for key in self._changed():
                if key.namespace == namespace:
                    label = self._delegation.label_of(key)
                    told = replace(problem, file=key.file, line=0, document=label, path="")
                    self._why.setdefault(key, told)

    def _hold_over_budget(self) -> None:
        """Before all others see it: no namespace uses up what all share."""
        for namespace, objects in self._objects.items():
            if namespace == self._delegation.own:
                continue
            texts = {key: one for key, one in self._texts.items() if key.namespace == namespace}
            if why := over_budget(texts, objects):
                self._hold(namespace, Problem("", 0, "", "", why))

    def _hold_all_new(self) -> None:
        why = "to find out what is valid took too long; the namespace stays as it was"
        for place in {key.namespace for key in self._changed()} - {self._delegation.own}:
            if place not in self._held:
                self._hold(place, Problem("", 0, "", "", why))

    def _hold_largest(self, problem: Problem) -> bool:
        """Of the delegated namespaces with something new, holds the one with most that is new, and
        after some tries ever more at once; gives whether there was one."""
        changed = self._changed()
        places = {key.namespace for key in changed} - self._held - {self._delegation.own}
        if not places:
            return False
        ordered = sorted(
            places, key=lambda one: (-rules_of(self._objects.get(one, ()), changed), one)
        )
        self._rounds += 1
        for place in ordered[: 1 << max(0, self._rounds - _ONE_BY_ONE)]:
            self._hold(place, problem)
            self._too_much.append(place)
        return True

    def _release(self, check: Check) -> None:
        """Gives each namespace but the last one back what is new in it, where there is room after
        all: what it includes of the operator does not count for its size, so that it may not have
        been the cause."""
        for place in self._too_much[:-1][:_ONE_BY_ONE]:
            others = {key: one for key, one in self._texts.items() if key.namespace != place}
            new = {key: one for key, one in self._newest.items() if key.namespace == place}
            # An object whose newest version was refused keeps the one in force.
            new |= {
                key: self._kept[key]
                for key in self._why
                if key.namespace == place and key not in new and key in self._kept
            }
            try:
                is_valid = not [one for one in check(others | new) if not one.is_advice]
            except KeyholeError:
                is_valid = False
            if is_valid:
                self._texts = others | new
                self._why = {
                    key: why
                    for key, why in self._why.items()
                    if key.namespace != place or not why.is_shared
                }

    def _replace(self, blamed: Iterable[Key]) -> Key | None:
        """Puts the version in force in the place of each that is blamed; gives one for which there
        is nothing left to do."""
        places = {key.namespace for key in blamed}
        self._tries.update(places)
        for place in sorted(places):
            if self._tries[place] == _TRIES_OF_ONE:
                self._hold(place)
            elif self._tries[place] > 2 * _TRIES_OF_ONE and place != self._delegation.own:
                # Not even what was in force is valid with the files of now.
                self._texts = {
                    key: text for key, text in self._texts.items() if key.namespace != place
                }
        for key in blamed:
            if key not in self._texts or self._tries[key.namespace] == _TRIES_OF_ONE:
                continue  # its namespace was taken back
            if key not in self._kept:
                del self._texts[key]
            elif self._texts[key] != self._kept[key]:
                self._texts[key] = self._kept[key]
            elif key.namespace not in self._held:
                self._hold(key.namespace)
            elif key.namespace != self._delegation.own:
                del self._texts[key]
            else:
                return key
        return None

    def _held_back(self) -> dict[Key, Problem]:
        """The objects that would be valid, and stay as they were with the others of their
        namespace."""
        why = "the namespace stays as it was, because the document of another object is not valid"
        return {
            key: Problem(key.file, 0, "", "", why)
            for key, text in self._newest.items()
            if self._texts.get(key) != text
        }

    def _blamed(self, problems: Iterable[Problem]) -> dict[Key, Problem]:
        """The objects with errors, each with its first one."""
        keys: dict[tuple[str, str], list[Key]] = {}
        for key in self._texts:
            keys.setdefault((key.file, ""), []).append(key)
            keys[key.file, self._delegation.label_of(key)] = [key]
        found: dict[Key, Problem] = {}
        for problem in problems:
            whole = keys.get((problem.file, ""), [])
            # A text that is no document has no kind and name; its file says whose it is.
            for key in keys.get((problem.file, problem.document), whole):
                found.setdefault(key, problem)
        return found

"""Which version of each object is in force: the newest one that is valid with all others.

An object that is not valid keeps its last valid version, so that one mistake stops nobody else.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from keyhole.errors import KeyholeError, Problem
from keyhole.mesh.documents.delegation import Delegation
from keyhole.mesh.documents.resource import Key, Resource

TRUST_KINDS = ("Client", "TrustDomain")
MOST_TRIES = 50
"""Checks of all documents for one change; what is not solved then changes nothing."""
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
    objects: Iterable[Resource], last: Mapping[Key, str], delegation: Delegation, check: Check
) -> Choice:
    """The newest valid versions. ``last`` are those in force.

    Where an object is not valid even as it was, because another one of its namespace changed or is
    gone, the namespace stays as it was. Where that does not help, a document of files is in the
    way: then it wins over a delegated one, and of Keyhole's own namespace nothing changes.
    """
    why: dict[Key, Problem] = {}
    newest: Texts = {}
    for one in objects:
        refused = delegation.problems(one)
        if refused:
            why[one.key] = refused[0]
        elif not one.is_going:
            newest[one.key] = delegation.text_of(one)
    # Who may not say it any more, has nothing in force.
    kept = {key: text for key, text in last.items() if delegation.has(key.namespace)}
    texts = {**newest, **{key: kept[key] for key in why if key in kept}}
    held: set[str] = set()
    for _ in range(MOST_TRIES):
        try:
            found = [one for one in check(texts) if not one.is_advice]
        except KeyholeError as error:
            return Choice(dict(last), why, str(error), _changed(newest, last), is_passing=True)
        blamed = _blamed(found, texts, delegation)
        for key, problem in blamed.items():
            why.setdefault(key, problem)
        if not blamed and found:
            waiting = _changed(newest, last)
            return Choice(_without_trust(last, newest), why, str(found[0]), waiting)
        if not blamed:
            return Choice(texts, {**_held_back(newest, texts), **why})
        stuck = _replace(texts, kept, blamed, held, delegation)
        if stuck is not None:
            return Choice(dict(last), why, str(blamed[stuck]), _changed(newest, last))
    too_many = "too many objects are not valid together"
    return Choice(dict(last), why, too_many, _changed(newest, last))


def _replace(
    texts: Texts,
    kept: Mapping[Key, str],
    blamed: Iterable[Key],
    held: set[str],
    delegation: Delegation,
) -> Key | None:
    """Puts the version in force in the place of each that is blamed; gives one for which there is
    nothing left to do."""
    for key in blamed:
        if key not in texts:
            continue  # its namespace was taken back
        if key not in kept:
            del texts[key]
        elif texts[key] != kept[key]:
            texts[key] = kept[key]
        elif key.namespace not in held:
            held.add(key.namespace)
            for other in [one for one in texts if one.namespace == key.namespace]:
                del texts[other]
            texts.update({one: kept[one] for one in kept if one.namespace == key.namespace})
        elif key.namespace != delegation.own:
            del texts[key]
        else:
            return key
    return None


def _changed(newest: Texts, last: Mapping[Key, str]) -> frozenset[Key]:
    return frozenset(key for key, text in newest.items() if last.get(key) != text)


def _without_trust(last: Mapping[Key, str], newest: Texts) -> Texts:
    """What is in force, without the trust that somebody has taken away: that does not wait until
    others have mended their documents."""
    return {key: text for key, text in last.items() if key in newest or key.kind not in TRUST_KINDS}


def _held_back(newest: Texts, texts: Texts) -> dict[Key, Problem]:
    """The objects that would be valid, and stay as they were with the others of their namespace."""
    why = "the namespace stays as it was, because the document of another object is not valid"
    return {
        key: Problem(key.file, 0, "", "", why)
        for key, text in newest.items()
        if texts.get(key) != text
    }


def _blamed(
    problems: Iterable[Problem], texts: Iterable[Key], delegation: Delegation
) -> dict[Key, Problem]:
    """The objects with errors, each with its first one."""
    keys = {(one.file, delegation.label_of(one)): one for one in texts}
    found: dict[Key, Problem] = {}
    for problem in problems:
        key = keys.get((problem.file, problem.document))
        if key is not None:
            found.setdefault(key, problem)
    return found

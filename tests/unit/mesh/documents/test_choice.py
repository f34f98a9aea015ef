"""Which version of an object is in force when some are not valid."""

from collections.abc import Sequence
from typing import Any

import yaml

from keyhole.errors import KeyholeError, Problem
from keyhole.mesh.documents.choice import Choice, Texts, choose
from keyhole.mesh.documents.delegation import Delegation
from keyhole.mesh.documents.resource import Key, Resource
from tests.world.cluster_documents import resource

_RULES = Delegation("keyhole", ("shop", "bank"), trust_domains=("t.example",))


def _policy(namespace: str, name: str, **spec: Any) -> Resource:
    return resource("Policy", namespace, name, {"subjects": [], **spec})


def _list(namespace: str, name: str) -> Resource:
    return resource("List", namespace, name, {"entries": "a.example\n"})


def _check(texts: Texts) -> Sequence[Problem]:
    """A policy is wrong with ``default: wrong``, or with lists that are not there."""
    names = {(key.kind, _RULES.name_of(key)) for key in texts}
    found = []
    for key, text in texts.items():
        spec = yaml.safe_load(text)["spec"]
        label = _RULES.label_of(key)
        if spec.get("default") == "wrong":
            found.append(Problem(key.file, 1, label, "spec.default", "it is wrong"))
        found += [
            Problem(key.file, 1, label, "spec.lists", f"there is no List {one}")
            for one in spec.get("lists", ())
            if ("List", one) not in names
        ]
    return found


def _texts(*objects: Resource) -> Texts:
    return {one.key: _RULES.text_of(one) for one in objects}


def _choose(last: Texts, *objects: Resource, check: Any = _check) -> Choice:
    return choose(objects, last, _RULES, check)


_GOOD, _OTHER = _policy("shop", "web"), _policy("bank", "desk")
_WRONG = _policy("shop", "web", default="wrong")


def test_what_is_valid_is_in_force() -> None:
    found = _choose({}, _GOOD, _OTHER)
    assert found == Choice(_texts(_GOOD, _OTHER))


def test_a_new_object_that_is_not_valid_stops_nobody_else() -> None:
    found = _choose({}, _WRONG, _OTHER)
    assert found.texts == _texts(_OTHER)
    assert found.why[_WRONG.key].why == "it is wrong"


def test_a_changed_object_that_is_not_valid_keeps_the_version_before() -> None:
    found = _choose(_texts(_GOOD), _WRONG, _OTHER)
    assert found.texts == _texts(_GOOD, _OTHER)
    assert set(found.why) == {_WRONG.key}


def test_an_object_that_says_what_it_may_not_say_keeps_the_version_before() -> None:
    greedy = resource("Policy", "shop", "web", {"subjects": ["cidr:0.0.0.0/0"]})
    assert _choose(_texts(_GOOD), greedy).texts == _texts(_GOOD)
    assert _choose({}, greedy).texts == {}


def test_a_namespace_stays_as_it_was_where_something_in_use_is_deleted() -> None:
    user, used, more = (
        _policy("shop", "web", lists=["ads"]),
        _list("shop", "ads"),
        _list("shop", "b"),
    )
    last = _texts(user, used)
    found = _choose(last, user, more, _OTHER)
    assert found.texts == {**last, **_texts(_OTHER)}
    assert found.why[user.key].why == "there is no List shop.ads"
    assert "the namespace stays as it was" in found.why[more.key].why


def test_what_is_deleted_is_gone() -> None:
    assert _choose(_texts(_GOOD, _OTHER), _OTHER).texts == _texts(_OTHER)


def test_a_file_wins_over_a_delegated_document_and_of_our_own_nothing_changes() -> None:
    own = _policy("keyhole", "all")

    def against(key: Key) -> Any:
        def check(texts: Texts) -> Sequence[Problem]:
            why = "declared already at a.yaml:1"
            label = _RULES.label_of(key)
            return [Problem(key.file, 1, label, "metadata.name", why)] if key in texts else []

        return check

    last = _texts(_GOOD, own)
    assert _choose(last, _GOOD, own, check=against(_GOOD.key)).texts == _texts(own)
    found = _choose(last, _GOOD, own, _OTHER, check=against(own.key))
    assert found.texts == last
    assert "declared already at a.yaml:1" in found.problem


def test_while_files_are_not_valid_only_trust_is_taken_away() -> None:
    client = resource("Client", "keyhole", "tv", {"tokens": ["tv"]})
    last = _texts(_GOOD, client)
    files = [Problem("a.yaml", 3, "Policy/base", "spec", "it is wrong")]
    found = _choose(last, _OTHER, check=lambda _: files)
    assert found.texts == _texts(_GOOD)
    assert found.problem == "a.yaml:3 Policy/base spec: it is wrong"


def test_what_is_no_error_of_a_document_changes_nothing() -> None:
    def fail(_: Texts) -> Sequence[Problem]:
        raise KeyholeError("the lists cannot be stored")

    found = _choose(_texts(_GOOD), _OTHER, check=fail)
    assert (found.texts, found.problem) == (_texts(_GOOD), "the lists cannot be stored")


def test_a_namespace_that_has_no_documents_any_more_has_none_in_force() -> None:
    rules = Delegation("keyhole", ("bank",), trust_domains=("t.example",))
    found = choose([_GOOD, _OTHER], _texts(_GOOD), rules, _check)
    assert found.texts == _texts(_OTHER)
    assert "has no documents" in found.why[_GOOD.key].why

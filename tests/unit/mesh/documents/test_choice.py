"""Which version of an object is in force when some are not valid."""

from collections.abc import Sequence
from typing import Any

import pytest
import yaml

from keyhole.errors import KeyholeError, Problem
from keyhole.mesh.documents import choice
from keyhole.mesh.documents.choice import Choice, Texts, choose
from keyhole.mesh.documents.delegation import Delegation
from keyhole.mesh.documents.resource import Key, Resource
from keyhole.mesh.documents.written import Written
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


@pytest.mark.parametrize("place", ["bank", "shop"], ids=["before", "after"])
def test_a_text_that_is_no_yaml_is_blamed_by_its_file(place: str) -> None:
    bad, good = _policy(place, "bad"), _policy("bank" if place == "shop" else "shop", "web")

    def check(texts: Texts) -> Sequence[Problem]:
        return [Problem(bad.key.file, 9, "", "", "too deep")] if bad.key in texts else []

    found = _choose({}, bad, good, check=check)
    assert found.texts == _texts(good)
    assert found.why[bad.key].why == "too deep"


def test_what_is_deep_or_large_is_refused_and_stops_nobody_else() -> None:
    deep: Any = []
    for _ in range(5000):
        deep = [deep]
    specs = {"lists": deep}, {"rules": [{"block": ["a"] * 110_000}]}, {"lists": {"names": [7]}}
    bad = [_policy("bank", f"b{at}", **spec) for at, spec in enumerate(specs)]
    found = _choose({}, *bad, _GOOD)
    assert found.texts == _texts(_GOOD)
    assert set(found.why) == {one.key for one in bad}
    # The operator's own has no such rule, and is no reason to end either.
    own = _policy("keyhole", "own", lists=deep)
    found = _choose({}, own, _GOOD)
    assert found.texts == _texts(_GOOD)
    assert "cannot be written as YAML" in found.why[own.key].why


_RULES_OF_ONE = [{"block": ["a.example"]}] * 6_000
_SUBJECTS = ["spiffe://t.example/ns/bank/sa/a"]


@pytest.mark.parametrize(
    "many",
    [
        [_policy("bank", str(at), subjects=_SUBJECTS, rules=_RULES_OF_ONE) for at in range(2)],
        [
            _policy("bank", "part", rules=_RULES_OF_ONE),
            *(_policy("bank", str(at), subjects=_SUBJECTS, include=["part"]) for at in range(2)),
        ],
        [_policy("bank", str(at)) for at in range(1_001)],
        [resource("List", "bank", str(at), {"entries": "a" * 900_000}) for at in range(10)],
    ],
    ids=["rules", "includes", "objects", "octets"],
)
def test_a_namespace_over_its_budget_stays_as_it_was(many: list[Resource]) -> None:
    last = _texts(_GOOD, _OTHER)
    found = _choose(last, *many, _OTHER, check=lambda _: [])
    assert found.texts == _texts(_OTHER)
    assert {one.key for one in many} == set(found.why)


def test_a_limit_over_all_holds_what_is_new_and_not_what_is_named() -> None:
    rules = [{"block": ["a.example"]}] * 9
    new = _policy("bank", "new", subjects=_SUBJECTS, rules=rules)
    little = _policy("bank", "little")
    last = _texts(_GOOD, _OTHER)

    def check(texts: Texts) -> Sequence[Problem]:
        why = Problem(_GOOD.key.file, 1, "Policy/shop.web", "", "too many in all", is_shared=True)
        return [why] if new.key in texts else []

    found = _choose(last, _GOOD, _OTHER, new, little, _policy("shop", "x"), check=check)
    assert found.texts == {**last, **_texts(_policy("shop", "x"))}
    assert found.why[new.key].why == "too many in all"
    always = [Problem(_GOOD.key.file, 1, "Policy/shop.web", "", "too many", is_shared=True)]
    found = _choose(last, _GOOD, _OTHER, new, check=lambda _: always)
    assert found.texts == last


@pytest.mark.parametrize("before", [(), (_policy("bank", "p60"),)], ids=["new", "in force"])
def test_a_chain_of_mistakes_in_one_namespace_holds_that_namespace_alone(before: Any) -> None:
    chain = [_policy("bank", f"p{at}", include=[f"p{at + 1}"]) for at in range(60)]

    def check(texts: Texts) -> Sequence[Problem]:
        names = {_RULES.name_of(key) for key in texts}
        return [
            Problem(key.file, 1, _RULES.label_of(key), "spec.include", f"there is no {one}")
            for key, text in texts.items()
            for one in yaml.safe_load(text)["spec"].get("include", ())
            if one not in names
        ]

    found = _choose(_texts(*before), *chain, _GOOD, check=check)
    assert found.texts == _texts(_GOOD, *before)
    assert found.problem == ""
    # Nor where all of it was in force, and a file is in the way now.
    end = _policy("bank", "p60")
    last = _texts(*chain, end, _GOOD)

    def against(texts: Texts) -> Sequence[Problem]:
        wrong = Problem(end.key.file, 1, "Policy/bank.p60", "metadata.name", "declared already")
        return [wrong] if end.key in texts else check(texts)

    found = _choose(last, *chain, end, _GOOD, _policy("shop", "x"), check=against)
    assert found.texts == _texts(_GOOD, _policy("shop", "x"))


def test_trust_is_taken_away_on_every_way_out() -> None:
    client, own = resource("Client", "keyhole", "tv", {"tokens": ["tv"]}), _policy("keyhole", "all")
    last = _texts(_GOOD, client, own)

    def fail(_: Texts) -> Sequence[Problem]:
        raise KeyholeError("the lists cannot be stored")

    def stuck(_: Texts) -> Sequence[Problem]:
        return [Problem(own.key.file, 1, "Policy/all", "", "it is wrong")]

    def held(texts: Texts) -> Sequence[Problem]:
        return [] if texts == _texts(_GOOD, own) else stuck(texts)

    for check in (fail, stuck, held):
        found = _choose(last, _GOOD, own, _policy("keyhole", "new"), check=check)
        assert found.texts == _texts(_GOOD, own)


def test_what_nobody_could_read_stays() -> None:
    last = _texts(_GOOD, _OTHER)
    found = choose([_OTHER], last, _RULES, _check, unread={("Policy", "shop")})
    assert found.texts == last
    assert choose([_OTHER], last, _RULES, _check, unread={("List", "shop")}).texts == _texts(_OTHER)


def test_the_text_of_an_object_is_made_once_for_each_version() -> None:
    made: list[Key] = []

    class Rules(Delegation):
        def text_of(self, one: Resource) -> str:
            made.append(one.key)
            return super().text_of(one)

    rules = Rules("keyhole", ("shop",), trust_domains=("t.example",))
    written = Written(rules)
    newer = resource("Policy", "shop", "web", {"subjects": []}, 2)
    for one in (_GOOD, _policy("shop", "web"), newer):
        choose([one], {}, rules, _check, written=written)
    written.forget_all_but([])
    choose([newer], {}, rules, _check, written=written)
    assert len(made) == 3


def test_who_was_held_and_was_not_the_cause_gets_what_is_new() -> None:
    honest = _policy("shop", "new", subjects=["spiffe://t.example/ns/shop/sa/a"], rules=[{}] * 9)
    cause = _policy("bank", "new", subjects=_SUBJECTS, rules=[{}])

    def check(texts: Texts) -> Sequence[Problem]:
        why = Problem(_GOOD.key.file, 1, "Policy/shop.web", "", "too many", is_shared=True)
        return [why] if cause.key in texts else []

    found = _choose(_texts(_GOOD, _OTHER), _GOOD, _OTHER, honest, cause, check=check)
    assert found.texts == _texts(_GOOD, _OTHER, honest)
    assert set(found.why) == {cause.key}
    # One that was refused before keeps the version in force.
    refused = _policy("shop", "web", subjects=["spiffe://t.example/ns/bank/sa/a"])
    found = _choose(_texts(_GOOD, _OTHER), refused, _OTHER, honest, cause, check=check)
    assert found.texts == _texts(_GOOD, _OTHER, honest)


def test_a_choice_that_takes_too_long_holds_what_is_new(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "MAX_SECONDS", -1.0)
    own = _policy("keyhole", "mine")
    found = _choose(_texts(_GOOD), _GOOD, own, _policy("shop", "new"), check=lambda _: [])
    assert found.texts == _texts(_GOOD, own)
    assert "took too long" in str(next(iter(found.why.values())))

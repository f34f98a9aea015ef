"""What is written back, and that it is written once."""

from dataclasses import replace
from datetime import UTC, datetime

from keyhole.errors import Problem
from keyhole.mesh.documents.choice import Choice
from keyhole.mesh.documents.delegation import Delegation
from keyhole.mesh.documents.resource import Resource
from keyhole.mesh.documents.status import Verdict, verdict
from keyhole.mesh.objects import Tree
from tests.world.cluster_documents import resource, tree_of

_RULES = Delegation("keyhole", ("shop",), trust_domains=("t.example",))
_ONE = resource("Policy", "shop", "web", {"subjects": []}, 3)
_THEN, _LATER = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)


def _said(one: Resource, what: Verdict, now: datetime = _THEN) -> Resource:
    """The object as the server has it afterwards."""
    tree: Tree = tree_of("Policy", one.key.namespace, one.key.name, one.spec, one.generation)
    return Resource.read("Policy", {**tree, **what.status(one, now)})


def test_an_object_in_force_is_ready_once() -> None:
    what = verdict(_ONE, Choice({_ONE.key: ""}), _RULES, "")
    assert what == Verdict(True, "InForce", "it is in force", "shop.web")
    assert what.condition(_ONE, _THEN) == {
        "type": "Ready",
        "status": "True",
        "observedGeneration": 3,
        "lastTransitionTime": "2026-01-01T00:00:00Z",
        "reason": "InForce",
        "message": "it is in force",
    }
    assert what.is_news(_ONE)
    assert what.is_said(_said(_ONE, what))


def test_a_new_version_changes_the_status_without_an_event_and_keeps_the_time() -> None:
    what = verdict(_ONE, Choice({_ONE.key: ""}), _RULES, "")
    newer = replace(_said(_ONE, what), generation=4)
    assert not what.is_said(newer)
    assert not what.is_news(newer)
    assert what.condition(newer, _LATER)["lastTransitionTime"] == "2026-01-01T00:00:00Z"
    wrong = verdict(newer, Choice({}, {_ONE.key: Problem("", 0, "", "", "x")}), _RULES, "")
    assert wrong.condition(newer, _LATER)["lastTransitionTime"] == "2026-01-02T00:00:00Z"


def test_the_conditions_of_others_stay() -> None:
    tree = tree_of("Policy", "shop", "web", {})
    theirs = {"type": "Synced", "status": "True"}
    one = Resource.read("Policy", {**tree, "status": {"conditions": [theirs]}})
    what = verdict(one, Choice({one.key: ""}), _RULES, "")
    assert theirs in what.status(one, _THEN)["status"]["conditions"]


def test_what_is_wrong_is_told_with_its_place_and_what_stays_in_force() -> None:
    problem = Problem(_ONE.key.file, 4, "Policy/shop.web", "spec.rules[0]", "the rule does nothing")
    new = verdict(_ONE, Choice({}, {_ONE.key: problem}), _RULES, "")
    assert (new.reason, new.message) == ("Invalid", "spec.rules[0]: the rule does nothing")
    old = verdict(_ONE, Choice({_ONE.key: ""}, {_ONE.key: problem}), _RULES, "")
    assert old.message == f"{new.message}; the version before it stays in force"
    greedy = resource("Policy", "shop", "web", {"subjects": ["expired"]})
    refused = _RULES.problems(greedy)[0]
    assert verdict(greedy, Choice({}, {_ONE.key: refused}), _RULES, "").reason == "NotDelegated"


def test_only_what_changed_waits_for_others_and_only_the_operator_reads_for_what() -> None:
    problem = "a.yaml:3 Policy/base: it is wrong"
    held = Choice({_ONE.key: ""}, {}, problem, frozenset([_ONE.key]))
    what = verdict(_ONE, held, _RULES, problem)
    assert (what.is_ready, what.reason) == (False, "Waiting")
    assert what.message == "other documents keep it from being in force"
    own = resource("Policy", "keyhole", "all", {})
    what = verdict(own, Choice({}, {}, problem, frozenset([own.key])), _RULES, problem)
    assert what.message.endswith(f": {problem}")
    assert verdict(_ONE, Choice({_ONE.key: ""}, {}, problem), _RULES, problem).is_ready
    refused = verdict(_ONE, Choice({_ONE.key: ""}), _RULES, "the engine refused it")
    assert refused.reason == "Waiting"


def test_an_event_names_the_object_and_has_room() -> None:
    problem = Problem("", 0, "", "spec", "x" * 3000)
    what = verdict(_ONE, Choice({_ONE.key: ""}, {_ONE.key: problem}), _RULES, "")
    event = what.event(_ONE, _THEN, "keyhole.dev/v1")
    assert (event["type"], event["reason"]) == ("Warning", "Invalid")
    assert event["involvedObject"]["uid"] == _ONE.uid
    assert len(event["message"]) <= 1024

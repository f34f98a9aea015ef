"""Who may write what: the people of a namespace, for their own service accounts alone."""

from pathlib import Path
from typing import Any

import pytest

from keyhole.config.documents import read_text_documents
from keyhole.mesh.documents.delegation import DELEGATED, EVERY, OPERATORS, Delegation
from keyhole.mesh.documents.resource import Key, Resource
from keyhole.model.document import KINDS
from tests.world.cluster_documents import resource

_RULES = Delegation("keyhole", ("shop",), ("base",), ("forwarder",), ("cluster.local",))
_WEB = "spiffe://cluster.local/ns/shop/sa/web"


def _document(one: Resource, rules: Delegation = _RULES) -> Any:
    read, problems = read_text_documents(rules.text_of(one), "x", Path("/"))
    assert problems == []
    (group,) = [group for group in (read.policies, read.lists) if group]
    return group[0]


def test_a_delegated_policy_is_about_its_namespace_and_has_what_the_operator_adds() -> None:
    spec = {
        "subjects": [_WEB, "spiffe://cluster.local/ns/shop/*"],
        "include": ["own"],
        "lists": {"names": ["ads"], "answer": "nodata"},
        "rules": [{"block": ["a.example", "*.b.example"]}],
    }
    one = resource("Policy", "shop", "web", spec)
    assert _RULES.problems(one) == []
    policy = _document(one)
    assert policy.name == "shop.web"
    assert policy.spec.include == ["shop.own", "base"]
    assert policy.spec.lists.names == ["shop.ads"]
    assert policy.spec.lists.answer == "nodata"
    assert policy.spec.upstreams.names == ["forwarder"]
    assert [str(subject) for subject in policy.spec.subjects] == spec["subjects"]


def test_a_list_keeps_its_entries_line_by_line() -> None:
    one = resource("List", "shop", "ads", {"entries": "ads.example\n||x.example^\n"})
    assert _RULES.problems(one) == []
    text = _RULES.text_of(one)
    assert "entries: |\n    ads.example\n" in text
    assert _document(one).spec.entries == "ads.example\n||x.example^\n"


@pytest.mark.parametrize(
    ("namespace", "kind", "spec", "path", "why"),
    [
        ("shop", "Policy", {}, "spec.subjects", "the default policy belongs to keyhole"),
        ("shop", "Policy", {"subjects": None}, "spec.subjects", "the default policy"),
        ("shop", "Policy", {"subjects": _WEB}, "spec.subjects", "the default policy"),
        ("shop", "Policy", {"subjects": [_WEB, "expired"]}, "spec.subjects[1]", "not of the name"),
        *(
            ("shop", "Policy", {"subjects": [one]}, "spec.subjects[0]", "not of the namespace shop")
            for one in (
                "spiffe://cluster.local/ns/bank/sa/web",
                "spiffe://cluster.local/ns/shopping/*",
                "spiffe://cluster.local/ns/shop",
                "spiffe://cluster.local/*",
                "spiffe://other.example/ns/shop/sa/web",
                "spiffe://cluster.local/x/ns/shop/*",
                f"token:{_WEB}",
                "token:phone",
                "client:tv",
                "group:kids",
                "cidr:10.0.0.0/8",
                "expired",
                7,
            )
        ),
        ("bank", "Policy", {"subjects": []}, "", "the namespace bank has no documents"),
        ("shop", "Client", {}, "", "only the namespace keyhole has documents of kind Client"),
        ("shop", "TrustDomain", {}, "", "only the namespace keyhole has documents of kind Trust"),
        ("shop", "List", {"urls": ["https://x"]}, "spec.urls", "only the namespace keyhole"),
        ("shop", "List", {"policies": ["base"]}, "spec.policies", "only the namespace keyhole"),
        *(
            ("shop", "Policy", {"subjects": [], key: "x"}, f"spec.{key}", "decides about")
            for key in OPERATORS["Policy"]
        ),
    ],
)
def test_what_reaches_further_is_refused_with_its_place(
    namespace: str, kind: str, spec: dict[str, Any], path: str, why: str
) -> None:
    problem = _RULES.problems(resource(kind, namespace, "web", spec))[0]
    assert (problem.file, problem.path) == (f"kubernetes {namespace}/web", path)
    assert why in problem.why


def test_every_key_of_a_delegated_kind_belongs_to_somebody() -> None:
    for kind, keys in DELEGATED.items():
        known = {field.alias for field in KINDS[kind].model_fields.values()}
        assert known == {*keys, *OPERATORS[kind]}
        assert not {*keys} & {*OPERATORS[kind]}


def test_documents_of_the_own_namespace_speak_of_everybody_and_stay_as_they_are() -> None:
    spec = {"default": "allow", "upstreams": ["one"], "include": ["x"], "lists": ["ads"]}
    one = resource("Policy", "keyhole", "all", spec)
    assert _RULES.problems(one) == []
    policy = _document(one)
    assert (policy.name, policy.spec.include, policy.spec.lists.names) == ("all", ["x"], ["ads"])


def test_names_of_two_namespaces_never_meet() -> None:
    names = [_RULES.name_of(Key(place, "Policy", "a.b")) for place in ("x", "x-a", "y", "keyhole")]
    assert len(set(names)) == len(names)
    assert names[0] == "x.a.b"


def test_a_star_lets_every_namespace_write_about_itself_alone() -> None:
    rules = Delegation("keyhole", (EVERY,), trust_domains=("cluster.local",))
    subject = "spiffe://cluster.local/ns/bank/sa/x"
    assert rules.problems(resource("Policy", "bank", "x", {"subjects": [subject]})) == []
    assert rules.problems(resource("Policy", "shop", "x", {"subjects": [subject]})) != []

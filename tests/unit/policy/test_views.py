"""Split horizon: a record for some policies replaces the record for all."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyhole.config import read_text_documents
from keyhole.model.snapshot import Snapshot
from keyhole.policy import check, compile_documents

from .conftest import POLICY, UPSTREAM, Write, document

HOME = document("Policy", "home", "subjects: [client:pc]")
PC = document("Client", "pc", "tokens: [pc]")


def record(name: str, spec: str) -> str:
    return document("Record", name, spec)


def compiled(*texts: str) -> Snapshot:
    documents, problems = read_text_documents("---\n".join(texts), "a.yaml", Path("/nowhere"))
    assert problems == []
    return compile_documents(documents, 1).snapshot


def seen(snapshot: Snapshot) -> dict[str, list[str]]:
    """The names of the documents whose records each policy sees."""
    return {
        policy.name: [
            snapshot.records[index].origin.rpartition("/")[2]
            for index in snapshot.record_sets[policy.record_set]
        ]
        for policy in snapshot.policies
    }


def test_a_record_for_a_policy_replaces_the_one_for_all_and_leaves_others_alone() -> None:
    snapshot = compiled(
        POLICY,
        HOME,
        record("inside", "name: nas.example.org\na: 192.0.2.7\npolicies: [home]"),
        record("outside", "name: nas.example.org\na: [198.51.100.7, 198.51.100.8]\ntxt: hello"),
        record("other", "name: www.example.org\na: 192.0.2.8"),
        PC,
        UPSTREAM,
    )
    assert seen(snapshot) == {
        "base": ["outside", "outside", "outside", "other"],
        "home": ["inside", "other"],
    }


def test_policies_that_see_the_same_share_a_set() -> None:
    more = document("Policy", "more", "subjects: [expired]")
    snapshot = compiled(POLICY, HOME, more, record("a", "name: a.example\na: 192.0.2.1"), UPSTREAM)
    assert snapshot.record_sets == [[0]]
    assert {policy.record_set for policy in snapshot.policies} == {0}


def test_a_wildcard_is_a_name_of_its_own() -> None:
    snapshot = compiled(
        HOME,
        record("all", "name: '*.example.org'\na: 192.0.2.1"),
        record("one", "name: a.example.org\na: 192.0.2.2"),
        record("home", "name: '*.example.org'\na: 192.0.2.3\npolicies: home"),
        PC,
        UPSTREAM,
    )
    assert seen(snapshot) == {"home": ["one", "home"]}


def test_including_a_policy_brings_none_of_its_records() -> None:
    base = document("Policy", "base", "default: allow")
    snapshot = compiled(
        base,
        document("Policy", "home", "subjects: [client:pc]\ninclude: [base]"),
        record("a", "name: a.example\na: 192.0.2.1\npolicies: [base]"),
        PC,
        UPSTREAM,
    )
    assert seen(snapshot) == {"base": ["a"], "home": []}


def problems_of(write: Write, *texts: str) -> list[str]:
    problems = check([write(POLICY, HOME, PC, UPSTREAM, *texts)])
    return [f"{one.document} {one.path}: {one.why}" for one in problems]


@pytest.mark.parametrize(
    "spec", ["cname: b.example", "a: 192.0.2.1", "ttl: 60\na: 192.0.2.9", "ptr: b.example"]
)
def test_records_that_nobody_sees_together_may_contradict_each_other(
    write: Write, spec: str
) -> None:
    texts = [
        record("r0", "name: a.example\na: 192.0.2.1\nptr: c.example"),
        record("r1", f"name: a.example\n{spec}\npolicies: [home]"),
    ]
    assert problems_of(write, *texts) == []


def test_records_that_somebody_sees_together_may_not_contradict_each_other(write: Write) -> None:
    problems = problems_of(
        write,
        record("r0", "name: a.example\na: 192.0.2.1\npolicies: [home, base]"),
        record("r1", "name: a.example\ncname: b.example\npolicies: [home]"),
    )
    assert len(problems) == 1
    assert "Record/r1 spec.cname: a.example has records in Record/r0" in problems[0]


def test_aliases_form_a_circle_only_where_all_of_them_are_seen(write: Write) -> None:
    texts = [
        record("r0", "name: a.example\ncname: b.example"),
        record("r1", "name: b.example\ncname: c.example"),
        record("r2", "name: b.example\ncname: a.example\npolicies: [home]"),
    ]
    problems = problems_of(write, *texts)
    assert [one.partition(":")[0] for one in problems] == [
        "Record/r0 spec.cname",
        "Record/r2 spec.cname",
    ]


def test_the_policies_of_a_record_have_to_exist_and_to_apply_to_somebody(write: Write) -> None:
    quiet = document("Policy", "quiet", "subjects: []")
    loud = document("Policy", "loud", "subjects: [expired]\ninclude: [quiet]")
    problems = problems_of(
        write, quiet, loud, record("a", "name: a.example\na: 192.0.2.1\npolicies: [hoem, quiet]")
    )
    assert problems == [
        "Record/a spec.policies[0]: there is no Policy hoem; did you mean home?",
        "Record/a spec.policies[1]: Policy/quiet applies to nobody, so nobody sees this record by "
        "it; name the policies that include it",
    ]


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a.example", "b.example", "*.a.example"]),
            st.none() | st.sets(st.sampled_from(["base", "home"]), min_size=1),
        ),
        max_size=6,
    )
)
def test_each_policy_sees_its_own_and_of_the_rest_what_it_has_no_name_for(
    records: list[tuple[str, set[str] | None]],
) -> None:
    texts = [
        record(
            f"r{index}",
            f"name: '{name}'\na: 192.0.2.{index}"
            + (f"\npolicies: [{', '.join(sorted(scope))}]" if scope else ""),
        )
        for index, (name, scope) in enumerate(records)
    ]
    found = seen(compiled(POLICY, HOME, PC, UPSTREAM, *texts))
    for policy, names in found.items():
        own = {name for name, scope in records if scope and policy in scope}
        assert names == [
            f"r{index}"
            for index, (name, scope) in enumerate(records)
            if (policy in scope if scope else name not in own)
        ]

import pytest

from keyhole.policy import check

from ..conftest import POLICY, UPSTREAM, Write, document


def problems_of(write: Write, *specs: str) -> list[str]:
    records = [document("Record", f"r{number}", spec) for number, spec in enumerate(specs)]
    return [
        f"{one.document} {one.path}: {one.why}"
        for one in check([write(POLICY, UPSTREAM, *records)])
    ]


def test_records_of_one_name_add_up(write: Write) -> None:
    assert (
        problems_of(
            write,
            "name: nas.example.org\na: [192.0.2.1, 192.0.2.2]\naaaa: 2001:db8::1",
            "name: NAS.example.org.\ntxt: [one, two]",
            "name: 192.0.2.1\nptr: nas.example.org",
        )
        == []
    )


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("a: [192.0.2.1]", "cname: b.example.org", "an alias has no other data"),
        ("cname: b.example.org", "a: [192.0.2.1]", "an alias has no other data"),
        ("cname: b.example.org", "cname: c.example.org", "an alias has no other data"),
        ("a: [192.0.2.1]", "a: [192.0.2.1]", "has the same record in Record/r0 at 2.yaml:1"),
        ("ttl: 60\na: [192.0.2.1]", "a: [192.0.2.2]", "one name and type have one ttl"),
        ("ptr: b.example.org", "ptr: c.example.org", "has another ptr"),
    ],
)
def test_records_of_one_name_may_not_contradict_each_other(
    write: Write, first: str, second: str, expected: str
) -> None:
    (problem,) = problems_of(
        write, f"name: a.example.org\n{first}", f"name: a.example.org\n{second}"
    )
    assert problem.startswith("Record/r1 spec.")
    assert expected in problem


def test_aliases_that_go_in_a_circle_are_refused_each(write: Write) -> None:
    problems = problems_of(
        write,
        "name: a.example.org\ncname: b.example.org",
        "name: b.example.org\ncname: a.example.org",
        "name: c.example.org\ncname: a.example.org",
    )
    assert len(problems) == 2
    assert "a.example.org -> b.example.org -> a.example.org" in problems[0]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("name: a.example.org", "spec.name: the record has no data"),
        ("name: a.example.org\ncname: a.example.org", "spec.cname: a.example.org cannot be"),
        ("name: a.example.org\ncname: b.example\na: 192.0.2.1", "spec.cname: an alias has no"),
        ("name: a.example.org\na: ['2001:db8::1']", "spec.a[0]: 2001:db8::1 is an IPv6 address"),
        ("name: a b\na: 192.0.2.1", "spec.name: 'a b' has a space"),
    ],
)
def test_a_record_that_cannot_be_is_refused(write: Write, spec: str, expected: str) -> None:
    (problem,) = problems_of(write, spec)
    assert expected in problem

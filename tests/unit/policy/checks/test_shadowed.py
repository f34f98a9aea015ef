import pytest

from keyhole.policy import check

from ..conftest import UPSTREAM, Write, document


def hidden(write: Write, rules: str, record: str = "name: nas.example.net\na: [192.0.2.1]") -> bool:
    policy = document("Policy", "base", f"default: deny\n{rules}")
    problems = check([write(policy, UPSTREAM, document("Record", "nas", record))])
    assert all(problem.is_advice for problem in problems)
    return any("do not get" in problem.why for problem in problems)


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("rules: []", False),
        ("rules: [{block: [nas.example.net]}]", True),
        ('rules: [{block: ["*.example.net"]}]', True),
        ("rules: [{block: [/^nas/]}]", True),
        ("rules: [{block: [nas.example.net], types: [A]}]", True),
        ("rules: [{block: [nas.example.net], types: [TXT]}]", False),
        ("rules: [{block: [nas.example.net], mode: observe}]", False),
        ("mode: observe\nrules: [{block: [nas.example.net]}]", False),
        ('rules: [{block: ["*.example.net"]}, {allow: [nas.example.net]}]', False),
        ('rules: [{block: ["*.example.net"], important: true}, {allow: [nas.example.net]}]', True),
        ("rules: [{block: [example.net, x.nas.example.net]}]", False),
    ],
)
def test_a_record_is_hidden_by_the_block_rule_that_decides(
    write: Write, rules: str, expected: bool
) -> None:
    assert hidden(write, rules) == expected


def test_a_wildcard_is_hidden_where_all_of_it_is_blocked(write: Write) -> None:
    record = 'name: "*.apps.example.net"\na: [192.0.2.1]'
    assert hidden(write, 'rules: [{block: ["*.apps.example.net"]}]', record)
    assert hidden(write, 'rules: [{block: ["*.example.net"]}]', record)
    assert not hidden(write, "rules: [{block: [x.apps.example.net]}]", record)


def test_an_alias_is_hidden_by_a_rule_for_any_type(write: Write) -> None:
    record = "name: nas.example.net\ncname: files.example.com"
    assert hidden(write, "rules: [{block: [nas.example.net], types: [AAAA]}]", record)


@pytest.mark.parametrize(
    ("data", "types", "lost"),
    [
        ("cname: files.example.com", "[AAAA, HTTPS]", "its AAAA, HTTPS"),
        ("a: [192.0.2.1]\naaaa: [2001:db8::1]", "[AAAA, HTTPS]", "its AAAA"),
        ("a: [192.0.2.1]", "[A, AAAA]", "it"),
    ],
)
def test_what_a_rule_for_some_types_hides_is_named(
    write: Write, data: str, types: str, lost: str
) -> None:
    """C12: the other types of the record are answered."""
    policy = document("Policy", "base", f"rules: [{{block: [nas.example.net], types: {types}}}]")
    record = document("Record", "nas", f"name: nas.example.net\n{data}")
    told = [problem.why for problem in check([write(policy, UPSTREAM, record)])]
    assert any(f"do not get {lost}: " in why for why in told), told


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("rules: [{block: [files.example.com]}]", True),
        ('rules: [{block: ["*.example.com"]}]', True),
        ("rules: [{block: [/^files/]}]", True),
        ("rules: [{block: [files.example.com]}, {allow: [nas.example.net]}]", False),
        ('rules: [{block: ["*.example.com"]}, {allow: [files.example.com]}]', False),
        (
            "rules: [{block: [files.example.com], important: true}, {allow: [nas.example.net]}]",
            True,
        ),
        ("rules: [{block: [nas.example.net]}, {allow: [files.example.com]}]", True),
        ("rules: [{block: [example.com]}]", False),
    ],
)
def test_an_alias_is_hidden_by_a_rule_for_the_name_that_it_leads_to(
    write: Write, rules: str, expected: bool
) -> None:
    """C12: as the engine decides, which lets an allow of the alias reach its target."""
    assert hidden(write, rules, "name: nas.example.net\ncname: files.example.com") == expected


def test_a_record_that_the_clients_of_a_policy_do_not_see_is_not_hidden_by_it(write: Write) -> None:
    other = document(
        "Policy", "other", "subjects: [192.0.2.0/24]\nrules: [{block: [nas.example.net]}]"
    )
    base = document("Policy", "base", "default: allow")
    record = document("Record", "nas", "name: nas.example.net\na: [192.0.2.1]\npolicies: [base]")
    problems = check([write(other, base, UPSTREAM, record)])
    assert not [problem for problem in problems if "do not get it" in problem.why]

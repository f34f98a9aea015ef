import re

import pytest
from hypothesis import assume, given, reject
from hypothesis import strategies as st

from keyhole.model.expression import matches_name, read_expression
from tests.world.expressions import core_finds


@pytest.mark.parametrize(
    "text",
    [
        r"^ad[0-9]+\.",
        r"(^|\.)ads?\d*\.example\.(org|net)$",
        r"^[^.]{20,}\.example\.org$",
        r"(?i)ads",
        r"(?:a|b)+?c",
        r"(?P<name>a)(?<other>b)",
        r"[]a][^]b][\]]",
        r"[[:alpha:]]+\z",
        r"\x61\x{62}",
        r"a{2}b{2,}c{2,3}",
        r"(?i)(?-i:a)*",
        r"[a[b]c]",
        r"[[:alpha:][:digit:]-]",
        r"[^[:^alnum:]&&a-f]",
    ],
)
def test_what_a_linear_engine_can_do_is_accepted(text: str) -> None:
    assert read_expression(text).text == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"(?=a)b", "look ahead"),
        (r"a(?!b)", "look ahead"),
        (r"(?<=a)b", "look behind"),
        (r"(?<!a)b", "look behind"),
        (r"(a)\1", "refer back"),
        (r"(?P<n>a)(?P=n)", "refer back"),
        (r"(?>a+)b", "match possessively"),
        (r"a++b", "match possessively"),
        (r"(?R)", "call itself"),
        (r"a\Z", r"the end of the name is \$"),
        (r"(a", r"a \( without its \)"),
        (r"a)", r"a \) without its \("),
        (r"[a", r"a \[ without its \]"),
        (r"*.example.org", r"any characters are \.\*"),
        (r"a|*b", "repeats nothing"),
        (r"a**", "repeats nothing"),
        (r"a{3,2}", "ends before it begins"),
        (r"a{9999}", "counts above 1000"),
        (r"a{x}", "counts nothing"),
        (r"(?i)*", "repeats nothing"),
        (r"(?i)+ads", "repeats nothing"),
        (r"[[]a]", r"a plain \[ inside of a set is"),
        (r"[a[b]", r"a plain \[ inside of a set is"),
        ("a\\", "lone backslash"),
        (r"\y", "stands for nothing"),
        (r"\xg0", "two hexadecimal digits"),
        (r"a\0", "refer back"),
        ("", "would match every name"),
        ("bücher", "xn--"),
    ],
)
def test_what_a_linear_engine_cannot_do_is_refused_with_its_name(text: str, expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        read_expression(text)


@given(st.text(st.sampled_from(r"ab.\[]()*+?{}|^$019-,PE"), max_size=20))
def test_any_text_is_taken_as_it_is_or_refused(text: str) -> None:
    try:
        expression = read_expression(text)
    except ValueError:
        return
    assert expression.text == text


@given(st.text(st.sampled_from("ab.|()*+?"), max_size=12))
def test_an_accepted_plain_expression_is_one_for_python_too(text: str) -> None:
    try:
        read_expression(text)
    except ValueError:
        return
    re.compile(text)


def test_capital_letters_are_noticed_unless_case_does_not_count() -> None:
    assert read_expression("Ads").has_capitals
    assert read_expression("[A-Z]ds").has_capitals
    assert not read_expression(r"(?i)Ads").has_capitals
    assert not read_expression(r"\Dds").has_capitals
    assert not read_expression(r"(?i:Ads)").has_capitals
    assert read_expression(r"(?-i)Ads").has_capitals
    assert read_expression(r"\(\?i\)A").has_capitals
    assert read_expression("[[:upper:]]").has_capitals


def test_an_expensive_expression_is_left_to_the_engine() -> None:
    assert matches_name(read_expression("^(a+)+$"), "a" * 60 + "b") is None
    assert matches_name(read_expression(".*a.*b.*c.*d"), "example.org") is None


def test_a_simple_expression_is_matched_in_python() -> None:
    assert matches_name(read_expression(r"^dns\."), "dns.example.org") is True
    assert matches_name(read_expression(r"^dns\.$"), "dns.example.org") is False


NAMES = ("a", "z", "a1", "ads.example.org", "x-y_z.example.org", "xn--bcher-kva.example", "0.1.2")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("^[[:alpha:]]+$", [True, True, False, False, False, False, False]),
        ("^[[:alnum:].]+$", [True, True, True, True, False, False, True]),
        ("^[^[:alpha:]]+$", [False] * 6 + [True]),
        (r"^[a\[]", [True, False, True, True, False, False, False]),
        ("[]_]", [False, False, False, False, True, False, False]),
    ],
)
def test_a_set_finds_the_same_here_and_in_the_core(text: str, found: list[bool]) -> None:
    assert core_finds(text, NAMES) == found
    assert [matches_name(read_expression(text), name) for name in NAMES] == found


@pytest.mark.parametrize("text", ["[a[b]c]", "[a-z&&[^x]]", "[a-z--b]", "[a[:^alpha:]]", r"\<a"])
def test_what_python_would_read_in_another_way_is_left_to_the_core(text: str) -> None:
    assert core_finds(text, NAMES) is not None
    assert matches_name(read_expression(text), "a") is None


_IN_SETS = st.sampled_from(
    ["a", "z", "0", ".", "_", "-", "]", "[", "^", "&", "&&", "~", "a-f", "0-9", r"\]", r"\[", r"\d",
     "[:alpha:]", "[:^digit:]", "[:punct:]", "[:oops:]", "[x]"]
)  # fmt: skip


@given(st.lists(_IN_SETS, min_size=1, max_size=6), st.booleans(), st.sampled_from(["", "+", "?"]))
def test_whatever_a_set_holds_it_means_what_the_core_says(
    parts: list[str], negated: bool, behind: str
) -> None:
    try:
        expression = read_expression(f"^[{'^' if negated else ''}{''.join(parts)}]{behind}")
    except ValueError:
        reject()
    found = [matches_name(expression, name) for name in NAMES]
    # Hypothesis fails the test when too few expressions get here.
    assume(None not in found)
    assert core_finds(expression.text, NAMES) == found

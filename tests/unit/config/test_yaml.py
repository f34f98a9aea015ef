from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyhole.config.documents import read_text_documents
from keyhole.config.source_tree import locate, plain
from keyhole.config.yaml import read_yaml


def read_one(text: str) -> object:
    nodes, problems = read_yaml(text, "file.yaml")
    assert problems == []
    return plain(nodes[0])


def complaint(text: str) -> str:
    _, problems = read_yaml(text, "file.yaml")
    assert len(problems) == 1, problems
    return str(problems[0])


def test_plain_words_and_numbers_stay_the_text_that_was_written() -> None:
    text = "[21:00, no, yes, 1.10, 007, 0x1f, 2026-11-23, 1_000, 2001:db8::1, on]"
    assert read_one(text) == text.strip("[]").split(", ")


def test_only_true_and_false_are_truth_values() -> None:
    assert read_one("[true, False, 'true']") == [True, False, "true"]


def test_a_key_without_a_value_counts_as_left_out_and_null_as_nothing() -> None:
    assert read_one("a:\nb: null\nc: ~\nd: ''\n") == {"b": None, "c": None, "d": ""}


def test_every_value_knows_its_line_and_its_path() -> None:
    nodes, _ = read_yaml(
        "a: 1\n---\nspec:\n  rules:\n    - allow:\n        - x\n        - y\n", "f"
    )
    assert locate(nodes[1], ["spec", "rules", 0, "allow", 1]) == (7, "spec.rules[0].allow[1]")
    assert locate(nodes[1], ["spec", "lists"]) == (3, "spec.lists")
    assert locate(nodes[1], ["spec", "rules", "names", 0]) == (5, "spec.rules[0]")


def test_a_key_that_appears_twice_is_refused_with_both_lines() -> None:
    assert complaint("a: 1\nb: 2\na: 3\n") == (
        "file.yaml:3: the key a appears twice, first in line 1"
    )


@pytest.mark.parametrize(
    ("text", "line", "expected"),
    [
        ("a:\n\tb: 1\n", 2, "indented with spaces"),
        ("a: b\n  c: d\n", 2, "check the indentation"),
        ("a:\n  - b\n c\n", 3, "fits no key above"),
        ("a: b: c\n", 1, "in quotes"),
        ("a:\n  - *.example.org\n", 2, "begins with * needs quotes"),
        ("*.example.org: a\n", 1, "begins with * needs quotes"),
        ("a: @b\n", 1, "begins with @ needs quotes"),
        ('a: "/\\./"\n', 1, "written twice"),
        ("a: 'b\n", 1, "opened and not closed"),
        ("a: [b,\n", 2, "not closed"),
        ("a: !python/object:os.system x\n", 1, "leave it out"),
        ("? [a, b]\n: c\n", 1, "a text is wanted"),
        ("a: \x01\n", 1, "U+0001 is not allowed"),
    ],
)
def test_a_syntax_error_is_reported_with_its_line_and_what_would_be_right(
    text: str, line: int, expected: str
) -> None:
    told = complaint(text)
    assert told.startswith(f"file.yaml:{line}: ")
    assert expected in told


def test_a_file_that_nests_without_end_is_refused() -> None:
    assert "nested deeper" in complaint("[" * 5000)
    assert "nested deeper" in complaint("a: &a [*a]\n")


def test_a_small_file_that_grows_when_expanded_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for level in range(1, 9):
        lines.append(f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]")
    assert "more than 200000 values" in complaint("\n".join(lines))


def test_documents_before_a_syntax_error_are_still_read() -> None:
    nodes, problems = read_yaml("a: 1\n---\nb: [\n", "f")
    assert [plain(node) for node in nodes] == [{"a": "1"}]
    assert len(problems) == 1


SYNTAX = st.text(st.sampled_from("a1: -[]{},\n\t\"'&*!|>%@#?~<.\\"), max_size=40)


@given(st.text(max_size=200) | SYNTAX)
def test_any_text_is_read_or_refused_with_a_reason(text: str) -> None:
    nodes, problems = read_yaml(text, "f")
    for problem in problems:
        assert problem.why
        assert problem.line >= 1
    for node in nodes:
        plain(node)


def test_a_large_hostile_text_costs_no_more_than_its_limit() -> None:
    """A10: counted in events, not in seconds: the reader stops at its limit."""
    for text in ("[" * 900_000, "a: {" * 200_000, "[x," * 300_000):
        assert "nested deeper" in complaint(text)
    assert "more than 200000 values" in complaint("- x\n" * 2_000_000)


def test_after_a_hundred_problems_nothing_more_is_read() -> None:
    """A10: a report of thirty megabytes helps nobody, and costs more than its document."""
    _, problems = read_yaml("a: 1\n" * 100_000, "f")
    assert len(problems) == 101
    assert "the rest is not read" in str(problems[-1])
    _, problems = read_yaml("a: 1\n" * 101 + "b: [\n", "f")
    assert len(problems) == 101


def test_a_document_with_many_mistakes_names_a_hundred_and_counts_the_others() -> None:
    """A10: the same for keys that do not exist."""
    keys = "".join(f"  k{number}: 1\n" for number in range(500))
    text = f"apiVersion: keyhole.dev/v1\nkind: Policy\nmetadata: {{name: a}}\nspec:\n{keys}"
    _, problems = read_text_documents(text, "f", Path("/nowhere"))
    assert len(problems) == 101
    assert "400 more problems are not listed" in str(problems[-1])


def test_an_alias_counts_with_the_depth_of_what_it_repeats() -> None:
    """A10: thirty levels made of aliases are thirty levels."""
    deep = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 40))
    assert "nested deeper" in complaint(deep)
    assert "needs quotes" in complaint("a: *missing\n")


def test_the_line_of_a_part_is_that_of_the_whole_file() -> None:
    nodes, problems = read_yaml("a: 1\na: 2\n", "f", 10)
    assert [problem.line for problem in problems] == [11]
    assert nodes[0].line == 10

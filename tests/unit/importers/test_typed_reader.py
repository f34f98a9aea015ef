"""Settings that are too large, too deeply nested, or of the wrong type."""

import pytest

from keyhole.importers.error import ImporterError
from keyhole.importers.report import Report
from keyhole.importers.typed_reader import Section, read_json, read_toml, read_yaml_file


@pytest.mark.parametrize(
    ("read", "octets"),
    [
        (read_toml, b"a = " + b"[" * 100_000),
        (read_toml, b"a = " + b"[" * 80 + b"]" * 80),
        (read_toml, b"a = "),
        (read_toml, b"a" * (2 * 2**20)),
        (read_json, b"[" * 1_000_000),
        (read_json, b"[" * 80 + b"]" * 80),
        (read_json, b"1" * 100_000),
        (read_json, b"\xff\xfe"),
        (read_json, b"{"),
        (read_yaml_file, b"[" * 50_000),
        (read_yaml_file, b"a: !!python/object/new:os.system x"),
        (read_yaml_file, b"a: 1\na: 2"),
        (read_yaml_file, b"- a list"),
        (read_yaml_file, b""),
        (read_yaml_file, b"a: " + b"x" * (2 * 2**20)),
    ],
    ids=range(15),
)
def test_what_no_export_looks_like_is_refused(read: object, octets: bytes) -> None:
    with pytest.raises(ImporterError):
        read(octets, "file")  # type: ignore[operator]


def test_a_tag_makes_nothing() -> None:
    octets = b"a: !!python/object/apply:os.system [echo]"
    with pytest.raises(ImporterError, match="means nothing here"):
        read_yaml_file(octets, "file")


def test_aliases_that_multiply_end_the_reading() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    with pytest.raises(ImporterError, match="more than 200000 values"):
        read_yaml_file("\n".join(lines).encode(), "file")


def test_a_value_of_the_wrong_type_is_reported_and_left() -> None:
    report = Report()
    tree = Section(
        {"text": ["x"], "flag": "maybe", "number": "many", "texts": [{"a": 1}, "b"],
         "trees": ["x", {"k": "v"}], "under": 7, "list": {"a": 1}},
        report,
    )  # fmt: skip
    assert tree.text("text", "y") == "y"
    assert tree.flag("flag", True) is True
    assert tree.number("number", 3) == 3
    assert tree.texts("texts") == ["b"]
    assert [one.text("k") for one in tree.sections("trees")] == ["v"]
    assert tree.under("under").value == {}
    assert tree.sections("list") == []
    assert [item.name for item in report.items] == [
        "text", "flag", "number", "texts", "trees[0]", "under", "list",
    ]  # fmt: skip


def test_numbers_and_flags_are_what_the_file_says() -> None:
    tree = Section({"a": 5, "b": "7", "c": "yes", "d": False, "e": None, "f": 53}, Report())
    assert (tree.number("a", 0), tree.number("b", 0), tree.number("e", 9)) == (5, 7, 9)
    assert (tree.flag("c", False), tree.flag("d", True), tree.flag("e", True)) == (
        True,
        False,
        True,
    )
    assert (tree.text("f"), tree.texts("f")) == ("53", ["53"])

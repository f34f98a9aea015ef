"""Settings that are too large, too deeply nested, or of the wrong type."""

from typing import Any

import pytest

from keyhole.importers.error import ImporterError
from keyhole.importers.report import Report
from keyhole.importers.typed_reader import Section, read_json, read_toml, read_yaml_file


@pytest.mark.parametrize(
    ("read", "octets"),
    [
        (read_toml, b"a = " + b"[" * 100_000),
        (read_toml, b"a" * (9 * 2**20)),
        (read_json, b"[" * 1_000_000),
        (read_json, b"1" * 100_000),
        (read_json, b"\xff\xfe"),
        (read_json, b"{"),
        (read_yaml_file, b"[" * 50_000),
        (read_yaml_file, b"- a list"),
        (read_yaml_file, b""),
        (read_yaml_file, b"a: " + b"x" * (9 * 2**20)),
    ],
    ids=range(10),
)
def test_what_no_export_looks_like_is_refused(read: object, octets: bytes) -> None:
    with pytest.raises(ImporterError):
        read(octets, "file", Report())  # type: ignore[operator]


def test_a_tag_makes_nothing() -> None:
    octets, report = b"a: !!python/object/apply:os.system [echo]", Report()
    assert read_yaml_file(octets, "file", report).value == {"a": ["echo"]}
    assert "means nothing here" in report.items[0].why


@pytest.mark.parametrize(
    ("read", "text", "value", "lines"),
    [
        (read_toml, "a = 1\nb = \nc = 3", {"a": 1, "c": 3}, [2]),
        (read_toml, "a = 1\na = 2\nc = 3", {"a": 1, "c": 3}, [2]),
        (read_toml, "[t]\na = [\n1,\nb = 2\n[u]\nc = 3", {"t": {"b": 2}, "u": {"c": 3}}, [2]),
        (read_toml, "[t]\na = 1\n[t]\na = 2\n[u]", {"t": {"a": 1}, "u": {}}, [3]),
        (read_toml, "a = 1\nb = " + "9" * 5000, {"a": 1}, [2]),
        (read_toml, "a = 1\nb = \"x\x01\"", {"a": 1, "b": "x\ufffd"}, [2]),
        (read_yaml_file, "a: 1\na: 2\nb: 3", {"a": "1", "b": "3"}, [2]),
        (read_yaml_file, "a: 1\n\tb: 2\nc: 3", {"a": "1", "c": "3"}, [2]),
        (read_yaml_file, "a: 1\nb: c: d\ne: 3", {"a": "1", "e": "3"}, [2]),
        (read_yaml_file, "a: [1, 2\nb: 3\nc: 4", {"b": "3", "c": "4"}, [1]),
        (read_yaml_file, "x: &x {a: 1}\ny: {<<: *x, b: 2}",
         {"x": {"a": "1"}, "y": {"a": "1", "b": "2"}}, []),
        (read_yaml_file, "a: 1\n---\nb: 2", {"a": "1"}, [3]),
    ],
)  # fmt: skip
def test_a_setting_that_cannot_be_read_is_left_with_its_line(
    read: Any, text: str, value: dict[str, Any], lines: list[int]
) -> None:
    report = Report()
    assert dict(read(text.encode(), "file", report).value) == value
    assert [item.place.line for item in report.items if item.place] == lines


@pytest.mark.parametrize("read", [read_toml, read_yaml_file])
def test_other_encodings_are_read_and_told(read: Any) -> None:
    text = 'a = "bücher"' if read is read_toml else "a: bücher"
    for octets, told in (
        (b"\xef\xbb\xbf" + text.encode(), 0),
        (text.encode("utf-16"), 0),
        (text.encode("cp1252"), 1),
    ):
        report = Report()
        assert read(octets, "file", report).value == {"a": "bücher"}
        assert len(report.items) == told


@pytest.mark.parametrize(
    ("read", "text", "lines"),
    [
        (read_toml, '[d]\n# x\nk = [\n  "a", "b",\n  "c",\n]\n[[e]]\nn = 1\n',
         {"d": 1, "d.k": 3, "d.k[0]": 4, "d.k[1]": 4, "d.k[2]": 5, "e[0]": 7, "e[0].n": 8}),
        (read_yaml_file, "d:\n  k:\n  - a\n  - b\ne:\n- n: 1\n",
         {"d": 1, "d.k": 2, "d.k[0]": 3, "d.k[1]": 4, "e[0]": 6, "e[0].n": 6}),
        (read_json, '{"d": {\n"k": [\n{"n": 1},\n{"n": 2}]}}',
         {"d": 1, "d.k": 2, "d.k[0]": 3, "d.k[1]": 4}),
    ],
)  # fmt: skip
def test_each_key_and_entry_has_its_line(read: Any, text: str, lines: dict[str, int]) -> None:
    section = read(text.encode(), "file", Report())
    assert {path: section.file.place(path).line for path in lines} == lines


def test_aliases_that_multiply_cost_themselves_alone() -> None:
    lines = ["before: 1", "a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    report = Report()
    section = read_yaml_file("\n".join([*lines, "behind: 2"]).encode(), "file", report)
    assert (section.text("before", ""), section.text("behind", "")) == ("1", "2")
    assert "that aliases repeat" in report.items[0].why


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
        "text", "flag", "number", "texts[0]", "trees[0]", "under", "list",
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

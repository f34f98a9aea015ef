"""A YAML stream is split into documents with their exact text and lines."""

import pytest

from keyhole.config.yaml_stream import Part, split_stream


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", []),
        ("# only a comment\n---\n", []),
        ("kind: A\n", [("kind: A\n", 1)]),
        ("---\nkind: A\n---\nkind: B\n", [("kind: A\n", 2), ("kind: B\n", 4)]),
        ("# about A\nkind: A\n...\n\nkind: B", [("# about A\nkind: A\n", 1), ("kind: B\n", 5)]),
        ("kind: A\ntext: |\n  ---\n  no marker\n", [("kind: A\ntext: |\n  ---\n  no marker\n", 1)]),
        ("kind: A\nx: ---y\n----\n", [("kind: A\nx: ---y\n----\n", 1)]),
        ("--- {kind: A}\n--- {kind: B}\n", [("    {kind: A}\n", 1), ("    {kind: B}\n", 2)]),
        ("kind: A\ntext: a\x85b\u2028c\n", [("kind: A\ntext: a\x85b\u2028c\n", 1)]),
        ("kind: A\r\n---\r\nkind: B\r\n", [("kind: A\n", 1), ("kind: B\n", 3)]),
    ],
)
def test_each_document_keeps_its_text_and_its_line(text: str, parts: list[tuple[str, int]]) -> None:
    assert list(split_stream(text)) == [Part(*part) for part in parts]

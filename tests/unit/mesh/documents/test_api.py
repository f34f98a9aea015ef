"""What a server answers, however deep it is."""

from keyhole.mesh.documents.api import _tree


def test_one_object_with_thousands_of_levels_does_not_hide_the_others() -> None:
    deep = b"[" * 9_000 + b"]" * 9_000
    text = b'{"items": [{"a": %b, "b": "x]}[\\"{"}, {"c": {"d": %b}}], "metadata": {"e": [1]}}'
    found = _tree("/x", text % (deep, deep))
    assert found["metadata"] == {"e": [1]}
    first, second = found["items"]
    assert first["b"] == 'x]}["{'
    assert second["c"].keys() == {"d"}

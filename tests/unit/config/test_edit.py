"""Names in the lists of a document are added and taken out, and all else stays as it was."""

import pytest

from keyhole.config.edit import EditError, with_name, without_name

_POLICIES = ["spec", "policies"]
_LISTS = ["spec", "lists"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("spec:\n  kind: block # c\n", "spec:\n  policies: [kids]\n  kind: block # c\n"),
        ("spec: {kind: block}\n", 'spec: {"policies": ["kids"], kind: block}\n'),
        ('{"spec": {"policies": ["a"]}}', '{"spec": {"policies": ["a", "kids"]}}'),
        ("spec:\n  policies: [a] # c\n", "spec:\n  policies: [a, kids] # c\n"),
        ("spec:\n  policies: []\n", "spec:\n  policies: [kids]\n"),
        ("spec:\n  policies: a\n", "spec:\n  policies: [a, kids]\n"),
        ("spec:\n  policies:\n  kind: block\n", "spec:\n  policies: [kids]\n  kind: block\n"),
        ("spec:\n  policies:\n  - a\n  # c\n", "spec:\n  policies:\n  - a\n  - kids\n  # c\n"),
    ],
)
def test_a_name_is_added_and_comments_stay(before: str, after: str) -> None:
    assert with_name(before, _POLICIES, "kids") == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("spec:\n  lists: [a, ads, b] # c\n", "spec:\n  lists: [a, b] # c\n"),
        ("spec:\n  lists: [ads]\n", "spec:\n  lists: []\n"),
        ("spec:\n  lists: ads\n", "spec:\n  lists: []\n"),
        ("spec:\n  lists:\n    - ads # c\n    - b\n", "spec:\n  lists:\n    - b\n"),
        ("spec:\n  lists:\n    - a\n    - ads\nx: 1\n", "spec:\n  lists:\n    - a\nx: 1\n"),
        ('{"spec": {"lists": ["a", "ads"]}}', '{"spec": {"lists": ["a"]}}'),
    ],
)
def test_a_name_is_taken_out_and_the_others_stay(before: str, after: str) -> None:
    assert without_name(before, _LISTS, "ads") == after


@pytest.mark.parametrize(
    "text",
    [
        "spec: &all\n  policies: &one [a]\n  more: *one\n",  # the other place would change, too
        "spec: [a]\n",
        "kind: List\n",
        "spec:\n  policies: {a: b}\n",
    ],
)
def test_a_text_of_an_unusual_form_is_refused_and_not_spoiled(text: str) -> None:
    with pytest.raises(EditError):
        with_name(text, _POLICIES, "kids")


def test_a_name_that_is_not_there_cannot_be_taken_out() -> None:
    with pytest.raises(EditError, match=r"spec\.lists does not name ads"):
        without_name("spec:\n  lists: [a]\n", _LISTS, "ads")

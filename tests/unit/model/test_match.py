import pytest

from keyhole.model.match import Match, read_match


@pytest.mark.parametrize(
    ("written", "document"),
    [
        ("Example.org.", {"exact": "example.org"}),
        ("*.example.org", {"below": "example.org"}),
        ("*.bücher.example", {"below": "xn--bcher-kva.example"}),
        (r"/^ad[0-9]+\./", {"regex": r"^ad[0-9]+\."}),
        ("/a/b/", {"regex": "a/b"}),
    ],
)
def test_a_match_is_one_key_and_one_text_for_the_engine(
    written: str, document: dict[str, str]
) -> None:
    match = read_match(written)
    assert match.model_dump() == document
    assert Match.model_validate(document) == match
    assert read_match(str(match)) == match


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("*", "that is what default is for"),
        ("ads.*", "not a label in front"),
        ("*ads.example.org", "not a label in front"),
        ("*.a.*.example.org", "more than one star"),
        ("/ads", "lacks the one at the end"),
        ("/ads/i", "no flag is needed"),
        ("//", "would match every name"),
        (True, "put it in quotes"),
        (["a"], "not a list"),
    ],
)
def test_an_invalid_match_is_refused(written: object, expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        read_match(written)


def test_below_matches_every_name_below_and_not_the_name_itself() -> None:
    below = read_match("*.example.org")
    assert below.covers("a.b.example.org")
    assert not below.covers("example.org")
    assert not below.covers("badexample.org")
    assert read_match("example.org").covers("example.org")
    assert not read_match("example.org").covers("a.example.org")

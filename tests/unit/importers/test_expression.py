"""Translated expressions keep their meaning; others are left with the reason."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyhole.importers.expression import Dialect, UntranslatableError, translate
from tests.world.expressions import core_matches

NAMES = (
    "a", "d", "ab", "ads.example.org", "ad1.example.org", "x-y_z.example.org", "1.2.3",
    "tracker.ads.example.org", "xn--bcher-kva.example", "telemetry-7.example.net", "example.org",
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        (r"(\.|^)example\.org$", ("example.org", "*.example.org")),
        (r"(^|\.)Ex-ample\.org$", ("ex-ample.org", "*.ex-ample.org")),
        (r"^ads\.example\.org$", ("ads.example.org",)),
        (r"^ad[0-9]+\.", (r"/^ad[0-9]+\./",)),
        (r"[[:alnum:]]+-ads", ("/[0-9a-z]+-ads/",)),
        (r"[^.]{3,}", ("/[^.]{3,}/",)),
        (r"a{,3}", ("/a{0,3}/",)),
        (r"[[x]", (r"/[\[x]/",)),
        (r"Ads", ("/(?i)Ads/",)),
        (r"\-ads\_", ("/-ads_/",)),
    ],
)
def test_pi_holes_expressions_become_ours(text: str, matches: tuple[str, ...]) -> None:
    assert translate(text, "posix").matches == matches


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (r"^(?!www)", "look ahead"),
        (r"(?<=a)b", "look behind"),
        (r"(a)\1", "backreference"),
        (r"a{~1}", "approximately"),
        (r"*.example.org", "repeats nothing"),
        (r"a++", "match possessively"),
        (r"\<ads", "no equivalent"),
        (r"[[=a=]]", "collating symbol"),
        (r"[a", "without its ]"),
        (r"[z-a]", "not a range"),
        (r"[[:oops:]]", "no class"),
        ("[\\\\]", "no name contains"),
        ("bücher", "xn--"),
        ("ads\\", "lone backslash"),
    ],
)
def test_what_cannot_be_said_here_is_left_with_the_reason(text: str, said: str) -> None:
    with pytest.raises(UntranslatableError, match=re.escape(said)):
        translate(text, "posix")


def test_a_backslash_in_a_set_is_plain_in_pi_hole_and_escapes_elsewhere() -> None:
    posix, go = translate(r"^[\d]$", "posix"), translate(r"^[\d]$", "go")
    assert core_matches(posix.matches, ["d", "7"]) == [True, False]
    assert core_matches(go.matches, ["d", "7"]) == [False, True]
    assert "literal" in posix.notes[0]
    assert go.notes == ()


def test_a_set_that_takes_another_away_is_left() -> None:
    with pytest.raises(UntranslatableError, match="subtracts another one"):
        translate("[a-z-[aeiou]]", "dotnet")


def test_case_counts_where_it_counted() -> None:
    exact = translate(r"^Ads\.example\.org$", "go", ignores_case=False)
    assert core_matches(exact.matches, ["ads.example.org"]) == [False]


# Each piece in a dialect, and its equivalent in Python.
_PIECES = {
    "a": "a", "B": "B", "ad": "ad", "x-y": "x-y", r"\.": r"\.", ".": ".", "_": "_",
    "[a-f]": "[a-f]", "[^.]": "[^.]", "[]_-]": r"[\]_-]", "[[.x]": None, "[a[]": r"[a\[]",
    "[^A-C]": "[^A-C]", "[a&&b~~-]": r"[a&b~\-]", "[0-9a-z-]": "[0-9a-z-]", "[X-Z7]": "[X-Z7]",
    "[[:alpha:]]": "[A-Za-z]", "[[:digit:]_]": "[0-9_]", "[^[:alnum:].]": "[^0-9A-Za-z.]",
    "[[:upper:]]": "[A-Z]", "[[:punct:]]": "[._-]",
    r"\d": "[0-9]", r"\W": "[^0-9A-Za-z_]", r"\w": "[0-9A-Za-z_]", r"\b": r"\b",
}  # fmt: skip
_POSIX_SETS = {r"[\.]": r"[\\.]", r"[a\-c]": r"[a\\-c]", r"[\w]": r"[\\w]"}
_ESCAPED_SETS = {r"[\.]": r"[\.]", r"[a\-c]": r"[a\-c]", r"[\w]": r"[0-9A-Za-z_]",
                 r"[^\d.]": "[^0-9.]"}  # fmt: skip
_REPEATS = ("", "", "", "*", "+", "?", "{2}", "{1,2}", "+?")


@st.composite
def _expressions(draw: st.DrawFn, sets: dict[str, str]) -> tuple[str, str]:
    """An expression in a dialect, and its equivalent in Python."""
    pieces = {source: python for source, python in (_PIECES | sets).items() if python is not None}
    parts: list[tuple[str, str]] = []
    for _ in range(draw(st.integers(1, 5))):
        source = draw(st.sampled_from(sorted(pieces)))
        python = pieces[source]
        repeat = draw(st.sampled_from(_REPEATS)) if source != r"\b" and len(source) != 2 else ""
        shape = draw(st.sampled_from(["{}", "{}", "({})", "({}|z)", "(^|[.]){}", "{}$", "^{}"]))
        grouped = shape in ("({})", "({}|z)")
        behind = draw(st.sampled_from(_REPEATS[:6])) if grouped and not repeat else ""
        parts.append(
            (shape.format(source + repeat) + behind, shape.format(python + repeat) + behind)
        )
    return "".join(one for one, _ in parts), "".join(other for _, other in parts)


_LABELS = st.text(st.sampled_from("abcdxyz079-_."), min_size=1, max_size=12).map(
    lambda text: ".".join(part.strip("-") or "a" for part in text.split("."))
)


def _agrees(dialect: Dialect, source: str, python: str, names: list[str]) -> None:
    try:
        translated = translate(source, dialect)
    except UntranslatableError:
        return
    wanted = [re.search(python, name, re.IGNORECASE | re.ASCII) is not None for name in names]
    assert core_matches(translated.matches, names) == wanted, translated


@given(_expressions(_POSIX_SETS), st.lists(_LABELS, max_size=5))
def test_an_expression_of_pi_hole_finds_the_same_names_here(
    both: tuple[str, str], more: list[str]
) -> None:
    _agrees("posix", *both, [*NAMES, *more])


@given(
    _expressions(_ESCAPED_SETS),
    st.lists(_LABELS, max_size=5),
    st.sampled_from(["go", "dotnet"]),
)
def test_an_expression_of_the_others_finds_the_same_names_here(
    both: tuple[str, str], more: list[str], dialect: Dialect
) -> None:
    _agrees(dialect, *both, [*NAMES, *more])


@given(st.text(st.sampled_from(r"ab.\[]()*+?{}|^$019-,:;~&<>=AZ"), max_size=20))
def test_any_text_is_translated_or_left(text: str) -> None:
    for dialect in ("posix", "go", "dotnet"):
        try:
            translated = translate(text, dialect)
        except UntranslatableError:
            continue
        # The core itself refuses expressions that compile too large, before anything is written.
        assert core_matches(translated.matches, ["a"]) is not None or "{" in text

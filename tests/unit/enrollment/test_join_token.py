"""The join token: one string; a damaged one is rejected."""

import re
from collections.abc import Callable

import pytest

from keyhole.enrollment import EnrollmentError, JoinToken

_WHOLE = JoinToken(url="https://192.0.2.1:8444", pin="0a" * 32, secret="a" * 32)


def test_it_is_one_word_that_no_shell_takes_apart() -> None:
    text = _WHOLE.to_text()
    assert re.fullmatch(r"khe1\.[A-Za-z0-9_-]+", text)
    assert JoinToken.read(f" {text}\n") == _WHOLE


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[:-10],
        lambda text: text.replace("khe1.", "khe1.A"),
        lambda text: "khe1.",
        lambda text: "khe1.!!!!",
        lambda text: "khe1.e30",
    ],
)
def test_a_damaged_one_is_told(spoil: Callable[[str], str]) -> None:
    with pytest.raises(EnrollmentError, match="damaged; was all of it copied"):
        JoinToken.read(spoil(_WHOLE.to_text()))


def test_another_word_is_told_from_a_damaged_one() -> None:
    with pytest.raises(EnrollmentError, match="not the token of an enrollment"):
        JoinToken.read("a" * 32)


@pytest.mark.parametrize(
    "url", ["http://192.0.2.1", "https://192.0.2.1/elsewhere", "file:///etc/passwd", "https://"]
)
def test_a_token_leads_only_to_an_enrollment_server(url: str) -> None:
    forged = _WHOLE.model_copy(update={"url": url})
    with pytest.raises(EnrollmentError, match="damaged"):
        JoinToken.read(forged.to_text())

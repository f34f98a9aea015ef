"""Secrets from files: what cannot be one is refused, and never repeated."""

from pathlib import Path

import pytest

from keyhole.system.secret_input import read_secret


@pytest.mark.parametrize(
    ("content", "why"),
    [(None, "no such file with a secret"), (b"gr\xfc\xdfe", "not text in UTF-8")],
)
def test_a_file_that_holds_no_secret_is_told_without_what_is_in_it(
    tmp_path: Path, content: bytes | None, why: str
) -> None:
    file = tmp_path / "name"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(OSError, match=why) as told:
        read_secret(str(file), "Passphrase")
    assert "name" not in str(told.value)
    assert "gr" not in str(told.value)

"""Tokens: shown once, stored only as digests."""

import hashlib
import json
import re
import stat
from pathlib import Path

import pytest

from keyhole.identity import IdentityError, read_tokens
from keyhole.identity.tokens import create_token, is_token, revoke_token


def test_a_token_is_160_bits_of_lower_case_base32(tmp_path: Path) -> None:
    secrets = {create_token(tmp_path, f"device-{number}") for number in range(20)}
    assert len(secrets) == 20
    assert all(re.fullmatch("[a-z2-7]{32}", secret) for secret in secrets)
    assert all(is_token(secret) for secret in secrets)


def test_nothing_but_the_digest_is_kept_and_only_for_the_owner(tmp_path: Path) -> None:
    secret = create_token(tmp_path, "tv")
    file = tmp_path / "tokens.json"
    assert secret not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    digest = hashlib.sha256(secret.encode()).hexdigest()
    assert read_tokens(tmp_path) == {"tv": digest}
    assert set(json.loads(file.read_text())["tokens"][0]) == {"name", "sha256", "created"}


def test_a_name_is_taken_only_once_unless_it_is_replaced(tmp_path: Path) -> None:
    create_token(tmp_path, "tv")
    before = read_tokens(tmp_path)
    with pytest.raises(IdentityError, match="replace it"):
        create_token(tmp_path, "tv")
    assert read_tokens(tmp_path) == before
    create_token(tmp_path, "tv", replace=True)
    assert read_tokens(tmp_path).keys() == before.keys()
    assert read_tokens(tmp_path) != before


def test_a_revoked_token_is_gone(tmp_path: Path) -> None:
    create_token(tmp_path, "tv")
    create_token(tmp_path, "radio")
    revoke_token(tmp_path, "tv")
    assert list(read_tokens(tmp_path)) == ["radio"]
    with pytest.raises(IdentityError, match="there are: radio"):
        revoke_token(tmp_path, "tv")


@pytest.mark.parametrize("name", ["", "a b", "../tv", "tv\n", "a" * 64, "-tv"])
def test_a_name_that_no_policy_could_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(IdentityError, match="not a name for a token"):
        create_token(tmp_path, name)


@pytest.mark.parametrize("content", ["", '{"tokens": [{"name": "tv"}]}', '{"secrets": []}'])
def test_what_cannot_be_read_is_an_error_and_not_an_empty_list(
    tmp_path: Path, content: str
) -> None:
    (tmp_path / "tokens.json").write_text(content)
    with pytest.raises(IdentityError, match=r"tokens\.json"):
        read_tokens(tmp_path)


def test_without_a_file_there_are_no_tokens(tmp_path: Path) -> None:
    assert read_tokens(tmp_path / "nowhere") == {}

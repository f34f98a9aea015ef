"""Revocations: atomic writing, strict reading, and none lost by mistake."""

import json
from pathlib import Path

import pytest

from keyhole.identity import IdentityError, read_trust
from keyhole.identity.revoked import read_revoked, read_serial, revoke, unrevoke

WEB = "spiffe://keyhole.internal/ns/shop/sa/web"
CERTIFICATE = ("keyhole.internal", "4f3a", WEB)


def test_an_identity_is_refused_and_taken_back(tmp_path: Path) -> None:
    assert revoke(tmp_path, identities=frozenset([WEB])) == 1
    assert read_trust(tmp_path).revoked_identities == (WEB,)
    assert revoke(tmp_path, identities=frozenset([WEB])) == 0
    assert unrevoke(tmp_path, identities=frozenset([WEB])) == 1
    assert read_trust(tmp_path).revoked_identities == ()


def test_one_certificate_is_refused_and_the_identity_is_not(tmp_path: Path) -> None:
    assert revoke(tmp_path, certificates=frozenset([CERTIFICATE])) == 1
    revoked = read_revoked(tmp_path)
    assert revoked.has(WEB, "4f3a")
    assert not revoked.has(WEB, "4f3b")
    assert not revoked.has("spiffe://other.org/ns/shop/sa/web", "4f3a")
    assert read_trust(tmp_path).revoked_certificates == (("keyhole.internal", "4f3a"),)


def test_taking_an_identity_back_takes_its_certificates_back(tmp_path: Path) -> None:
    revoke(tmp_path, identities=frozenset([WEB]), certificates=frozenset([CERTIFICATE]))
    assert unrevoke(tmp_path, identities=frozenset([WEB])) == 2


@pytest.mark.parametrize(
    ("written", "serial"), [("0A:1B", "a1b"), ("0x0a1b", "a1b"), ("00a1b", "a1b"), (" A1B ", "a1b")]
)
def test_a_serial_number_is_read_as_people_write_it(written: str, serial: str) -> None:
    assert read_serial(written) == serial


@pytest.mark.parametrize("written", ["", "0", "xyz", "a" * 41])
def test_what_is_no_serial_number_is_refused(written: str) -> None:
    with pytest.raises(IdentityError, match="not a serial number"):
        read_serial(written)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "not JSON"),
        ('{"identities": []', "not JSON"),
        ("[]", "object"),
        ('{"identitys": []}', "unknown to this version"),
        ('{"identities": [{"id": "spiffe://a/b"}]}', "missing"),
        ('{"identities": [{"id": "web", "since": "2026-11-25T00:00:00Z"}]}', "SPIFFE ID"),
        (
            '{"identities": [{"id": "spiffe://a/b", "since": "2026-11-25T00:00:00Z", "x": 1}]}',
            "unknown to this version",
        ),
    ],
)
def test_what_cannot_be_read_for_certain_is_an_error_and_not_an_empty_list(
    tmp_path: Path, content: str, why: str
) -> None:
    (tmp_path / "revoked.json").write_text(content)
    with pytest.raises(IdentityError, match=f"revoked.json.*{why}"):
        read_trust(tmp_path)
    with pytest.raises(IdentityError):
        revoke(tmp_path, identities=frozenset([WEB]))
    assert (tmp_path / "revoked.json").read_text() == content, "nothing is written over it"


def test_a_file_that_is_a_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "revoked.json").mkdir()
    with pytest.raises(IdentityError, match="cannot be read"):
        read_trust(tmp_path)


def test_revocations_of_other_trust_domains_are_kept_without_an_authority(tmp_path: Path) -> None:
    other = "spiffe://cluster.local/ns/shop/sa/web"
    revoke(tmp_path, identities=frozenset([other]))
    trust = read_trust(tmp_path)
    assert (trust.bundle_pem, trust.revoked_identities) == ("", (other,))
    assert json.loads((tmp_path / "revoked.json").read_text())["certificates"] == []

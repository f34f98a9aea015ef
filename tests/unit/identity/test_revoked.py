"""Revocations: atomic writing, strict reading, and none lost by mistake."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from keyhole.identity import Authority, CertificateSpec, IdentityError, read_trust, revoked
from keyhole.identity.error import RefusedError
from keyhole.identity.files import locked
from keyhole.identity.journal import Author, read_journal
from keyhole.identity.revoked import Targets, read_revoked, read_serial, revoke, unrevoke

WEB = "spiffe://keyhole.internal/ns/shop/sa/web"
NOW = datetime(2026, 11, 25, 12, 0, 0, 400_000, tzinfo=UTC)
CERTIFICATE = ("keyhole.internal", "4f3a", WEB)


def test_an_identity_is_refused_and_taken_back(tmp_path: Path) -> None:
    assert revoke(tmp_path, Targets(identities=frozenset([WEB]))) == 1
    assert read_trust(tmp_path).revoked_identities == (WEB,)
    assert revoke(tmp_path, Targets(identities=frozenset([WEB]))) == 0
    assert unrevoke(tmp_path, Targets(identities=frozenset([WEB]))) == 1
    assert read_trust(tmp_path).revoked_identities == ()


def test_one_certificate_is_refused_and_the_identity_is_not(tmp_path: Path) -> None:
    assert revoke(tmp_path, Targets(certificates=frozenset([CERTIFICATE]))) == 1
    revoked = read_revoked(tmp_path)
    assert revoked.has(WEB, "4f3a", NOW)
    assert not revoked.has(WEB, "4f3b", NOW)
    assert not revoked.has("spiffe://other.org/ns/shop/sa/web", "4f3a", NOW)
    assert read_trust(tmp_path).revoked_certificates == (("keyhole.internal", "4f3a"),)


def test_taking_an_identity_back_takes_its_certificates_back(tmp_path: Path) -> None:
    revoke(tmp_path, Targets(identities=frozenset([WEB]), certificates=frozenset([CERTIFICATE])))
    assert unrevoke(tmp_path, Targets(identities=frozenset([WEB]))) == 2


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
        revoke(tmp_path, Targets(identities=frozenset([WEB])))
    assert (tmp_path / "revoked.json").read_text() == content, "nothing is written over it"


def test_a_file_that_is_a_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "revoked.json").mkdir()
    with pytest.raises(IdentityError, match="cannot be read"):
        read_trust(tmp_path)


def test_revocations_of_other_trust_domains_are_kept_without_an_authority(tmp_path: Path) -> None:
    other = "spiffe://cluster.local/ns/shop/sa/web"
    revoke(tmp_path, Targets(identities=frozenset([other])))
    trust = read_trust(tmp_path)
    assert (trust.bundle_pem, trust.revoked_identities) == ("", (other,))
    assert json.loads((tmp_path / "revoked.json").read_text())["certificates"] == []


def test_all_certificates_so_far_are_refused_by_their_time_and_later_ones_are_not(
    tmp_path: Path,
) -> None:
    """A3: whatever was issued meanwhile, its serial number need not be known."""
    authority = Authority.open(tmp_path, now=NOW)
    spec = CertificateSpec.svid(WEB)
    begin = timedelta(hours=1)
    authority.issue(spec, NOW)
    assert revoke(tmp_path, Targets(older=frozenset([WEB])), now=NOW) == 1
    revoked = read_revoked(tmp_path)
    assert revoked.has(WEB, "77", NOW - begin)
    assert not revoked.has_identity(WEB)
    # In the same second, so that the whole seconds of a certificate would not tell them apart.
    chain, _ = authority.issue(spec, NOW + timedelta(milliseconds=200))
    leaf = x509.load_pem_x509_certificates(chain)[0]
    assert not revoked.has(WEB, "78", leaf.not_valid_before_utc)
    assert unrevoke(tmp_path, Targets(older=frozenset([WEB]))) == 1
    assert not read_revoked(tmp_path).has(WEB, "77", NOW - begin)


def test_one_of_many_certificates_that_were_revoked_together_is_not_given_back_alone(
    tmp_path: Path,
) -> None:
    authority = Authority.open(tmp_path, now=NOW)
    authority.issue(CertificateSpec.svid(WEB), NOW)
    revoke(tmp_path, Targets(older=frozenset([WEB])), now=NOW)
    (one,) = read_revoked(tmp_path).certificates
    serial = frozenset([(one.domain, one.serial, one.id)])
    with pytest.raises(IdentityError, match="--undo --certificates"):
        unrevoke(tmp_path, Targets(certificates=serial))


def test_nothing_is_issued_to_an_identity_that_is_revoked(tmp_path: Path) -> None:
    """A3: the check stands where the certificate is made, whoever asks for it."""
    authority = Authority.open(tmp_path, now=NOW)
    revoke(tmp_path, Targets(frozenset([WEB])))
    with pytest.raises(RefusedError, match="is revoked"):
        authority.issue(CertificateSpec.svid(WEB), NOW)


def test_each_change_stands_in_the_journal_before_it_is_made(tmp_path: Path) -> None:
    """E1: who, from where, why, before and after; an undone revocation leaves its trace."""
    anna = Author("local:anna", "command", why="the laptop is lost")
    revoke(tmp_path, Targets(frozenset([WEB])), anna)
    unrevoke(tmp_path, Targets(frozenset([WEB])), anna)
    assert revoke(tmp_path, Targets(), anna) == 0
    found = [(one.who, one.action, one.why, one.detail) for one in read_journal(tmp_path)]
    given, taken = {"identities": [WEB]}, dict[str, list[str]]()
    assert found == [
        ("local:anna", "revoke", anna.why, {"before": taken, "after": given}),
        ("local:anna", "unrevoke", anna.why, {"before": given, "after": taken}),
    ]


def test_a_change_that_cannot_be_recorded_is_not_made(tmp_path: Path) -> None:
    """E1: no trace, no change."""
    (tmp_path / "journal.jsonl").mkdir()
    with pytest.raises(IdentityError, match="cannot write"):
        revoke(tmp_path, Targets(frozenset([WEB])))
    assert not (tmp_path / "revoked.json").exists()


def test_a_revocation_that_waits_for_another_command_counts_from_its_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A3: whoever held the lock may have issued a certificate in a later second."""
    turn = datetime(2026, 11, 30, 12, tzinfo=UTC)
    clock = [turn - timedelta(seconds=5)]

    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return clock[0]

    @contextmanager
    def waiting(folder: Path) -> Iterator[None]:
        with locked(folder):
            clock[0] = turn
            yield

    monkeypatch.setattr(revoked, "datetime", Clock)
    monkeypatch.setattr(revoked, "locked", waiting)
    revoke(tmp_path, Targets(older=frozenset([WEB])))
    older = read_revoked(tmp_path).older(WEB)
    assert older is not None
    assert older.since > turn

"""The issuer below the root: renewed in time, also with the root key stored offline."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from keyhole.identity import Authority, CertificateSpec, IdentityError, read_trust

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
WEB = "spiffe://keyhole.internal/ns/shop/sa/web"


def _length(certificate: x509.Certificate) -> int | None:
    return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length


def test_the_issuer_signs_leaves_and_nothing_below_them(tmp_path: Path) -> None:
    authority = Authority.open(tmp_path, now=NOW)
    assert _length(authority.certificate) == 1
    assert _length(authority.issuer) == 0


def test_the_issuer_is_kept_in_the_first_half_of_its_year(tmp_path: Path) -> None:
    first = Authority.open(tmp_path, now=NOW).issuer
    assert Authority.open(tmp_path, now=NOW + 180 * DAY).issuer == first


def test_the_issuer_is_renewed_past_half_and_what_it_signed_stays_good(tmp_path: Path) -> None:
    first = Authority.open(tmp_path, now=NOW)
    chain = x509.load_pem_x509_certificates(first.issue(CertificateSpec.svid(WEB), NOW)[0])
    later = Authority.open(tmp_path, now=NOW + 183 * DAY)
    assert later.issuer != first.issuer
    assert later.certificate == first.certificate
    assert later.signed(chain[0], chain[1:])


def test_the_key_of_the_root_may_be_elsewhere(tmp_path: Path) -> None:
    Authority.open(tmp_path, now=NOW)
    (tmp_path / "root-key.pem").unlink()
    authority = Authority.open(tmp_path, now=NOW + DAY)
    assert not authority.is_root_key_here
    assert authority.issue(CertificateSpec.svid(WEB), NOW + DAY)
    assert authority.advice(NOW + DAY) == []


def test_without_it_a_person_is_told_by_when_it_is_needed(tmp_path: Path) -> None:
    first = Authority.open(tmp_path, now=NOW)
    key = (tmp_path / "root-key.pem").read_bytes()
    (tmp_path / "root-key.pem").unlink()
    late = NOW + 200 * DAY
    authority = Authority.open(tmp_path, now=late)
    assert authority.issuer == first.issuer
    [warning] = authority.advice(late)
    assert "cannot be renewed" in warning
    assert f"{first.issuer.not_valid_after_utc:%Y-%m-%d}" in warning
    with pytest.raises(IdentityError, match=r"put root-key.pem back"):
        Authority.open(tmp_path, now=NOW + 366 * DAY).issue(
            CertificateSpec.svid(WEB), NOW + 366 * DAY
        )
    (tmp_path / "root-key.pem").write_bytes(key)
    assert Authority.open(tmp_path, now=NOW + 366 * DAY).issue(
        CertificateSpec.svid(WEB), NOW + 366 * DAY
    )


def test_a_certificate_never_outlives_its_issuer(tmp_path: Path) -> None:
    authority = Authority.open(tmp_path, now=NOW)
    (tmp_path / "root-key.pem").unlink()
    late = NOW + 300 * DAY
    leaf = x509.load_pem_x509_certificate(
        authority.issue(CertificateSpec.svid(WEB, 90 * DAY), late)[0]
    )
    assert leaf.not_valid_after_utc == authority.issuer.not_valid_after_utc


@pytest.mark.parametrize("damaged", ["issuer.pem", "issuer-key.pem"])
def test_a_damaged_issuer_is_made_anew_by_the_root(tmp_path: Path, damaged: str) -> None:
    first = Authority.open(tmp_path, now=NOW)
    (tmp_path / damaged).write_text("damaged")
    again = Authority.open(tmp_path, now=NOW)
    assert again.certificate == first.certificate
    assert again.issuer != first.issuer


def test_a_damaged_issuer_is_told_where_the_root_cannot_mend_it(tmp_path: Path) -> None:
    Authority.open(tmp_path, now=NOW)
    (tmp_path / "root-key.pem").unlink()
    (tmp_path / "issuer.pem").write_text("damaged")
    with pytest.raises(IdentityError, match=r"issuer.pem holds no PEM certificate"):
        Authority.open(tmp_path, now=NOW)


def test_the_trust_domain_is_that_of_the_settings_and_stays(tmp_path: Path) -> None:
    Authority.open(tmp_path, now=NOW, domain="example.org")
    assert read_trust(tmp_path).domain == "example.org"
    assert Authority.open(tmp_path, now=NOW + 200 * DAY).domain == "example.org"
    with pytest.raises(IdentityError, match=r"signs for the trust domain example.org"):
        Authority.open(tmp_path, now=NOW, domain="example.net")


def test_an_authority_that_signed_for_no_domain_yet_takes_the_one_that_is_wanted(
    tmp_path: Path,
) -> None:
    assert Authority.open(tmp_path, now=NOW).domain == "keyhole.internal"
    assert Authority.open(tmp_path, now=NOW, domain="example.org").domain == "example.org"

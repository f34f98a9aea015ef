"""The authority: what it issues, what it refuses, and what it never does."""

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from keyhole.identity import Authority, CertificateSpec, IdentityError

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def _issue(authority: Authority, spec: CertificateSpec, now: datetime = NOW) -> x509.Certificate:
    return x509.load_pem_x509_certificate(authority.issue(spec, now)[0])


def test_the_key_and_its_folder_are_for_the_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "identity"
    Authority.open(folder, now=NOW)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "root-key.pem").stat().st_mode) == 0o600


def test_a_folder_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    Authority.open(tmp_path, now=NOW)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700


def test_opening_again_keeps_the_root(tmp_path: Path) -> None:
    first = Authority.open(tmp_path, now=NOW)
    again = Authority.open(tmp_path, now=NOW + timedelta(days=300))
    assert again.certificate == first.certificate


@pytest.mark.parametrize(
    ("lost", "named"),
    [
        (["root.pem"], "root.pem"),
        (["root-key.pem", "issuer-key.pem"], "root-key.pem"),
        (["root-key.pem", "issuer.pem"], "issuer.pem"),
    ],
)
def test_an_authority_of_which_a_part_is_lost_is_never_replaced_silently(
    tmp_path: Path, lost: list[str], named: str
) -> None:
    Authority.open(tmp_path, now=NOW)
    for file in lost:
        (tmp_path / file).unlink()
    with pytest.raises(IdentityError, match=f"incomplete: {named} is missing"):
        Authority.open(tmp_path, now=NOW)


def test_a_key_of_another_root_is_refused(tmp_path: Path) -> None:
    Authority.open(tmp_path / "a", now=NOW)
    Authority.open(tmp_path / "b", now=NOW)
    (tmp_path / "a" / "root-key.pem").replace(tmp_path / "b" / "root-key.pem")
    with pytest.raises(IdentityError, match="the public keys differ"):
        Authority.open(tmp_path / "b", now=NOW)


def test_the_root_signs_for_ten_years_and_bears_no_name_constraints(tmp_path: Path) -> None:
    root = Authority.open(tmp_path, now=NOW).certificate
    assert timedelta(days=3650) < root.not_valid_after_utc - NOW < timedelta(days=3654)
    assert root.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    with pytest.raises(x509.ExtensionNotFound):
        root.extensions.get_extension_for_class(x509.NameConstraints)


def test_a_leaf_says_who_it_is_in_its_alternative_names(tmp_path: Path) -> None:
    authority = Authority.open(tmp_path, now=NOW)
    leaf = _issue(authority, CertificateSpec(("DNS.example.org.",), ("192.0.2.1", "2001:db8::1")))
    said = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert said.get_values_for_type(x509.DNSName) == ["dns.example.org"]
    assert [str(a) for a in said.get_values_for_type(x509.IPAddress)] == [
        "192.0.2.1",
        "2001:db8::1",
    ]
    assert authority.signed(leaf)
    assert isinstance(leaf.public_key(), ec.EllipticCurvePublicKey)


def test_a_leaf_is_no_authority(tmp_path: Path) -> None:
    leaf = _issue(Authority.open(tmp_path, now=NOW), CertificateSpec(("a.example.org",)))
    assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert not leaf.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign


def test_a_leaf_never_outlives_its_root(tmp_path: Path) -> None:
    late = Authority.open(tmp_path, now=NOW).certificate.not_valid_after_utc - timedelta(days=1)
    authority = Authority.open(tmp_path, now=late)
    leaf = _issue(authority, CertificateSpec(("a.example.org",)), late)
    assert leaf.not_valid_after_utc == authority.certificate.not_valid_after_utc


def test_an_expired_root_signs_nothing(tmp_path: Path) -> None:
    authority = Authority.open(tmp_path, now=NOW)
    with pytest.raises(IdentityError, match="expired"):
        authority.issue(CertificateSpec(("a.example.org",)), NOW + timedelta(days=3660))
    with pytest.raises(IdentityError, match=r"the root certificate .* expired"):
        Authority.open(tmp_path, now=NOW + timedelta(days=3660))


def test_a_stranger_did_not_sign_it(tmp_path: Path) -> None:
    ours, other = Authority.open(tmp_path / "a", now=NOW), Authority.open(tmp_path / "b", now=NOW)
    assert not ours.signed(_issue(other, CertificateSpec(("a.example.org",))))


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        (CertificateSpec(), "at least one name or address"),
        (CertificateSpec(names=("a..example.org",)), "not a DNS name"),
        (CertificateSpec(names=("bücher.example.org",)), "xn-- form"),
        (CertificateSpec(addresses=("192.0.2.256",)), "not an IP address"),
    ],
)
def test_an_invalid_spec_is_refused_with_a_reason(
    tmp_path: Path, spec: CertificateSpec, why: str
) -> None:
    with pytest.raises(IdentityError, match=why):
        Authority.open(tmp_path, now=NOW).issue(spec, NOW)

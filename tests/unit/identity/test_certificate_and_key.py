"""Certificate files of the operator: each defect has its own error message."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from keyhole.identity import Authority, CertificateSpec, IdentityError, read_certificate_and_key
from tests.world import certificates

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """A good certificate and its key."""
    authority = Authority.open(tmp_path / "identity", now=NOW)
    spec = CertificateSpec(("a.example.org",), life=timedelta(days=2))
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    for path, content in zip((certificate, key), authority.issue(spec, NOW), strict=True):
        path.write_bytes(content)
    return certificate, key


def test_a_good_pair_is_read(pair: tuple[Path, Path]) -> None:
    loaded = read_certificate_and_key(*pair, now=NOW)
    assert loaded.names() == ("a.example.org",)
    assert loaded.expires == NOW + timedelta(days=2)


def _swap(certificate: Path, key: Path) -> None:
    content = certificate.read_bytes()
    certificate.write_bytes(key.read_bytes())
    key.write_bytes(content)


def _new_key(_certificate: Path, key: Path) -> None:
    _write_key(key, ec.generate_private_key(ec.SECP256R1()), serialization.NoEncryption())


def _lock_key(_certificate: Path, key: Path) -> None:
    secret = serialization.BestAvailableEncryption(b"secret")
    _write_key(key, ec.generate_private_key(ec.SECP256R1()), secret)


def _write_key(
    path: Path,
    key: ec.EllipticCurvePrivateKey,
    protection: serialization.KeySerializationEncryption,
) -> None:
    form = serialization.PrivateFormat.PKCS8
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, protection))


def _common_name_only(certificate: Path, key: Path) -> None:
    signer = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a.example.org")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(signer.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
        .sign(signer, hashes.SHA256())
    )
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    _write_key(key, signer, serialization.NoEncryption())


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda certificate, key: certificate.unlink(), "does not exist"),
        (lambda certificate, key: key.unlink(), "the key .* does not exist"),
        (lambda certificate, key: (key.unlink(), key.mkdir()), "is a folder"),
        (lambda certificate, key: certificate.write_text("hello"), "holds no PEM certificate"),
        (lambda certificate, key: key.write_text("hello"), "holds no PEM key"),
        (_swap, "swapped files"),
        (_new_key, "does not belong to the certificate"),
        (_lock_key, "has a password"),
        (_common_name_only, "has no subjectAltName"),
    ],
)
def test_what_is_wrong_is_said(
    pair: tuple[Path, Path], spoil: Callable[[Path, Path], object], why: str
) -> None:
    spoil(*pair)
    with pytest.raises(IdentityError, match=why):
        read_certificate_and_key(*pair, now=NOW)


def test_a_damaged_certificate_is_told_from_a_missing_one(pair: tuple[Path, Path]) -> None:
    lines = pair[0].read_text().splitlines()
    pair[0].write_text("\n".join([lines[0], *lines[2:]]))
    with pytest.raises(IdentityError, match="damaged certificate"):
        read_certificate_and_key(*pair, now=NOW)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_this_user_may_not_read_is_named(pair: tuple[Path, Path]) -> None:
    pair[1].chmod(0)
    with pytest.raises(IdentityError, match="cannot be read by this user"):
        read_certificate_and_key(*pair, now=NOW)


@pytest.mark.parametrize(("days", "why"), [(3, "expired on 2026-11-25"), (-1, "not valid before")])
def test_a_certificate_counts_only_in_its_time(
    pair: tuple[Path, Path], days: int, why: str
) -> None:
    with pytest.raises(IdentityError, match=why):
        read_certificate_and_key(*pair, now=NOW + timedelta(days=days))


def test_a_server_may_be_known_by_its_spiffe_id_alone(tmp_path: Path) -> None:
    forwarder = "spiffe://example.org/ns/dns/sa/forwarder"
    made = certificates.Authority(tmp_path).make(certificates.Form(uris=(forwarder,)))
    assert read_certificate_and_key(made.certificate, made.key).spiffe_ids() == (forwarder,)


def test_another_uri_is_no_name_of_a_server(tmp_path: Path) -> None:
    form = certificates.Form(uris=("https://example.org/forwarder",))
    made = certificates.Authority(tmp_path).make(form)
    with pytest.raises(IdentityError, match="a SPIFFE ID"):
        read_certificate_and_key(made.certificate, made.key)

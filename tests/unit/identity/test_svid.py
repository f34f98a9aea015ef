"""Client certificates, checked with openssl and against the X509-SVID standard."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from keyhole.identity import Authority, CertificateSpec, IdentityError
from keyhole.identity.issuance_log import read_issued
from tests.world.tools import needs, run

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
WEB = "spiffe://keyhole.internal/ns/shop/sa/web"


def _chain(
    authority: Authority, spec: CertificateSpec, now: datetime = NOW
) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(authority.issue(spec, now)[0])


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.open(tmp_path / "identity", now=NOW)


def test_an_svid_names_one_spiffe_id_and_nothing_else(authority: Authority) -> None:
    leaf, issuer = _chain(authority, CertificateSpec.svid(WEB))
    said = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [(type(one), one.value) for one in said] == [(x509.UniformResourceIdentifier, WEB)]
    usages = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usages) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    usage = leaf.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert usage.value.digital_signature
    assert not usage.value.key_cert_sign
    assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert leaf.not_valid_after_utc == NOW + timedelta(hours=24)
    assert issuer == authority.issuer


def test_a_service_may_serve_with_its_svid_where_that_is_wanted(authority: Authority) -> None:
    leaf = _chain(authority, CertificateSpec.svid(WEB, also_server=True))[0]
    usages = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert set(usages) == {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH}


@pytest.mark.parametrize("life", [timedelta(minutes=4), timedelta(days=91), timedelta(0)])
def test_a_life_too_short_or_too_long_is_refused(life: timedelta) -> None:
    with pytest.raises(IdentityError, match="5 minutes to 90 days"):
        CertificateSpec.svid(WEB, life)


def test_what_is_no_spiffe_id_is_refused() -> None:
    with pytest.raises(IdentityError, match="not a SPIFFE ID"):
        CertificateSpec.svid("https://example.org/web")


def test_an_id_of_another_trust_domain_is_not_signed(authority: Authority) -> None:
    with pytest.raises(IdentityError, match="another trust domain"):
        authority.issue(CertificateSpec.svid("spiffe://elsewhere.org/ns/shop/sa/web"), NOW)


def test_no_two_keys_and_no_two_serial_numbers_are_the_same(authority: Authority) -> None:
    leaves = [_chain(authority, CertificateSpec.svid(WEB))[0] for _ in range(8)]
    assert len({leaf.serial_number for leaf in leaves}) == 8
    keys = [leaf.public_key() for leaf in leaves]
    assert all(isinstance(key, ec.EllipticCurvePublicKey) for key in keys)
    assert all(leaf.serial_number.bit_length() > 64 for leaf in leaves)


def test_nothing_is_issued_that_the_record_does_not_know(authority: Authority) -> None:
    leaf = _chain(authority, CertificateSpec.svid(WEB))[0]
    [known] = read_issued(authority.folder)
    assert known.spiffe == WEB
    assert int(known.serial, 16) == leaf.serial_number
    assert known.not_after == leaf.not_valid_after_utc


def test_no_authority_bears_name_constraints(authority: Authority) -> None:
    for certificate in (authority.certificate, authority.issuer):
        with pytest.raises(x509.ExtensionNotFound):
            certificate.extensions.get_extension_for_class(x509.NameConstraints)


@needs("openssl")
@pytest.mark.parametrize(
    ("spec", "purpose"),
    [
        (CertificateSpec.svid(WEB), "sslclient"),
        (CertificateSpec.svid(WEB, also_server=True), "sslserver"),
        (CertificateSpec(names=("dns.example.org",)), "sslserver"),
    ],
)
def test_openssl_follows_the_chain_to_the_root(
    tmp_path: Path, spec: CertificateSpec, purpose: str
) -> None:
    authority = Authority.open(tmp_path / "identity")
    chain = tmp_path / "chain.pem"
    chain.write_bytes(authority.issue(spec)[0])
    arguments = ["openssl", "verify", "-x509_strict", "-purpose", purpose, "-CAfile"]
    checked = run(*arguments, str(authority.root), "-untrusted", str(chain), str(chain))
    assert checked.returncode == 0, checked.stderr
    alone = run(*arguments, str(authority.root), str(chain))
    assert alone.returncode != 0, "the issuer is part of the chain and not of the trust"


@needs("openssl")
def test_a_client_certificate_does_not_serve(tmp_path: Path) -> None:
    authority = Authority.open(tmp_path / "identity")
    chain = tmp_path / "chain.pem"
    chain.write_bytes(authority.issue(CertificateSpec.svid(WEB))[0])
    arguments = ["openssl", "verify", "-purpose", "sslserver", "-CAfile", str(authority.root)]
    assert run(*arguments, "-untrusted", str(chain), str(chain)).returncode != 0

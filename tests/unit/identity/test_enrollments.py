"""Enrollments: each secret works exactly once."""

import base64
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from keyhole.identity import IdentityError
from keyhole.identity.enrollments import (
    cancel_enrollment,
    create_enrollment,
    list_enrollments,
    redeem,
)
from keyhole.identity.error import RefusedError, RequestError
from keyhole.identity.issuance_log import read_issued
from keyhole.identity.revoked import Targets, revoke
from keyhole.identity.signing_request import new_request

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
WEB = "spiffe://keyhole.internal/ns/shop/sa/web"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "identity"


def _redeem(folder: Path, secret: str, now: datetime = NOW) -> x509.Certificate:
    return redeem(folder, secret, new_request()[1], how="in a test", now=now)[1].leaf


def test_a_secret_gives_the_certificate_that_was_wanted(folder: Path) -> None:
    life = timedelta(days=2)
    _, secret = create_enrollment(folder, "shop/web", WEB, life=life, now=NOW)
    key, request = new_request()
    one, issued = redeem(folder, secret, request, how="in a test", now=NOW)
    assert one.name == "shop/web"
    assert issued.leaf.not_valid_after_utc == NOW + life
    loaded = serialization.load_pem_private_key(key, None)
    assert loaded.public_key() == issued.leaf.public_key()
    assert [one.how for one in read_issued(folder)] == ["in a test"]


def test_it_works_once(folder: Path) -> None:
    _, secret = create_enrollment(folder, "shop/web", WEB, now=NOW)
    _redeem(folder, secret)
    with pytest.raises(RefusedError, match=r"was used on 2026-11-23 12:00"):
        _redeem(folder, secret)


def test_it_works_once_under_a_hundred_tries_at_the_same_time(folder: Path) -> None:
    _, secret = create_enrollment(folder, "shop/web", WEB, now=NOW)
    requests = [new_request()[1] for _ in range(100)]

    def attempt(request: bytes) -> bool:
        try:
            redeem(folder, secret, request, how="in a test", now=NOW)
        except RefusedError:
            return False
        return True

    with ThreadPoolExecutor(100) as pool:
        assert sum(pool.map(attempt, requests)) == 1
    assert len(list(read_issued(folder))) == 1


def test_it_ends_with_its_time(folder: Path) -> None:
    _, secret = create_enrollment(folder, "shop/web", WEB, now=NOW)
    with pytest.raises(RefusedError, match="expired"):
        _redeem(folder, secret, NOW + timedelta(hours=1))


def test_only_its_digest_is_kept(folder: Path) -> None:
    _, secret = create_enrollment(folder, "shop/web", WEB, now=NOW)
    file = folder / "enrollments.json"
    assert secret not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_secret_that_nobody_made_gives_nothing(folder: Path) -> None:
    create_enrollment(folder, "shop/web", WEB, now=NOW)
    for secret in ("", "a" * 32, "ä"):
        with pytest.raises(RefusedError, match="is unknown"):
            _redeem(folder, secret)


def _not_signed() -> bytes:
    _, one = new_request()
    octets = bytearray(x509.load_pem_x509_csr(one).public_bytes(serialization.Encoding.DER))
    octets[-1] ^= 1
    body = base64.encodebytes(bytes(octets)).decode()
    return (
        f"-----BEGIN CERTIFICATE REQUEST-----\n{body}-----END CERTIFICATE REQUEST-----\n".encode()
    )


def _request(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        (b"", "not PKCS #10"),
        (b"hello", "not PKCS #10"),
        (b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n", None),
        (b"x" * 20_000, "too large"),
        (_not_signed(), None),
        (_request(rsa.generate_private_key(65537, 2048)), "ECDSA"),
        (_request(ec.generate_private_key(ec.SECP224R1())), "ECDSA"),
    ],
)
def test_a_request_that_cannot_be_read_leaves_the_secret_good(
    folder: Path, request_: bytes, why: str | None
) -> None:
    _, secret = create_enrollment(folder, "shop/web", WEB, now=NOW)
    with pytest.raises(RequestError, match=why):
        redeem(folder, secret, request_, how="in a test", now=NOW)
    _redeem(folder, secret)


def test_what_the_request_says_beside_its_key_counts_for_nothing(folder: Path) -> None:
    _, secret = create_enrollment(folder, "shop/web", WEB, now=NOW)
    other = x509.UniformResourceIdentifier("spiffe://keyhole.internal/ns/kube-system/sa/admin")
    key = ec.generate_private_key(ec.SECP256R1())
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([]))
        .add_extension(x509.SubjectAlternativeName([other]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = request.public_bytes(serialization.Encoding.PEM)
    leaf = redeem(folder, secret, pem, how="in a test", now=NOW)[1].leaf
    said = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert said.get_values_for_type(x509.UniformResourceIdentifier) == [WEB]
    assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_a_revoked_identity_gets_no_secret_and_no_certificate(folder: Path) -> None:
    _, secret = create_enrollment(folder, "shop/web", WEB, now=NOW)
    revoke(folder, Targets(identities=frozenset([WEB])))
    with pytest.raises(RefusedError, match="is revoked"):
        _redeem(folder, secret)
    with pytest.raises(IdentityError, match="--undo"):
        create_enrollment(folder, "again", WEB, now=NOW)


def test_revocations_that_cannot_be_read_stop_enrollment(folder: Path) -> None:
    _, secret = create_enrollment(folder, "shop/web", WEB, now=NOW)
    (folder / "revoked.json").write_text("{")
    with pytest.raises(IdentityError, match="not JSON"):
        _redeem(folder, secret)


def test_one_of_a_name_waits_at_a_time_unless_it_is_replaced(folder: Path) -> None:
    _, first = create_enrollment(folder, "shop/web", WEB, now=NOW)
    with pytest.raises(IdentityError, match="replace it"):
        create_enrollment(folder, "shop/web", WEB, now=NOW)
    _, second = create_enrollment(folder, "shop/web", WEB, replace=True, now=NOW)
    with pytest.raises(RefusedError, match="is unknown"):
        _redeem(folder, first)
    _redeem(folder, second)


def test_a_canceled_one_is_worth_nothing(folder: Path) -> None:
    _, secret = create_enrollment(folder, "shop/web", WEB, now=NOW)
    cancel_enrollment(folder, "shop/web", NOW)
    with pytest.raises(RefusedError):
        _redeem(folder, secret)
    with pytest.raises(IdentityError, match="no enrollment shop/web is waiting"):
        cancel_enrollment(folder, "shop/web", NOW)


def test_people_see_what_became_of_each(folder: Path) -> None:
    _, secret = create_enrollment(folder, "used", WEB, now=NOW)
    _redeem(folder, secret)
    create_enrollment(folder, "late", WEB, now=NOW, valid_for=timedelta(minutes=1))
    create_enrollment(folder, "waiting", WEB, now=NOW)
    later = NOW + timedelta(minutes=2)
    states = {one.name: one.state(later) for one in list_enrollments(folder)}
    assert states == {"used": "used", "late": "expired", "waiting": "waiting"}


@pytest.mark.parametrize("valid_for", [timedelta(0), timedelta(days=31)])
def test_a_secret_that_lives_too_long_or_not_at_all_is_not_made(
    folder: Path, valid_for: timedelta
) -> None:
    with pytest.raises(IdentityError, match="1 minute to 30 days"):
        create_enrollment(folder, "shop/web", WEB, valid_for=valid_for)


def test_a_token_from_before_the_certificates_were_revoked_gives_none(folder: Path) -> None:
    """A3: an invitation is issued, too."""
    _, secret = create_enrollment(folder, "shop/web", WEB, now=NOW)
    revoke(folder, Targets(older=frozenset([WEB])), now=NOW)
    with pytest.raises(RefusedError, match="revoked after this token was made"):
        _redeem(folder, secret)
    later = NOW + timedelta(seconds=2)
    _, second = create_enrollment(folder, "shop/web", WEB, now=later, replace=True)
    _redeem(folder, second, later)

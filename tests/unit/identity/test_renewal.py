"""Renewals: the same identity, for the holder of the previous certificate's key."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from keyhole.identity import Authority, CertificateSpec, IdentityError
from keyhole.identity.error import RefusedError, RequestError
from keyhole.identity.renewal import renew
from keyhole.identity.revoked import Targets, read_revoked, revoke
from keyhole.identity.rotation import finish, prepare, switch
from keyhole.identity.signing_request import new_request, sign_request
from tests.world.waiting import PATIENCE, until

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
WEB = "spiffe://keyhole.internal/ns/shop/sa/web"


class Client:
    """A certificate and its key."""

    def __init__(
        self, folder: Path, spec: CertificateSpec | None = None, now: datetime = NOW
    ) -> None:
        self.chain, key = Authority.open(folder, now=now).issue(
            spec or CertificateSpec.svid(WEB), now
        )
        loaded = serialization.load_pem_private_key(key, None)
        assert isinstance(loaded, ec.EllipticCurvePrivateKey)
        self.key = loaded

    @property
    def leaf(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate(self.chain)

    def renew(
        self, folder: Path, now: datetime = NOW, signer: ec.EllipticCurvePrivateKey | None = None
    ) -> x509.Certificate:
        _, request = new_request()
        signature = sign_request(signer or self.key, request)
        spiffe, made = renew(folder, self.chain, request, signature, how="in a test", now=now)
        assert spiffe == WEB
        return made.leaf


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "identity"


@pytest.fixture
def client(folder: Path) -> Client:
    return Client(folder)


def _uri(certificate: x509.Certificate) -> list[str]:
    said = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return said.get_values_for_type(x509.UniformResourceIdentifier)


def test_the_new_certificate_is_of_the_same_identity_and_life(folder: Path) -> None:
    spec = CertificateSpec.svid(WEB, 10 * DAY, also_server=True)
    leaf = Client(folder, spec).renew(folder, NOW + 4 * DAY)
    assert _uri(leaf) == [WEB]
    assert leaf.not_valid_after_utc == NOW + 14 * DAY
    usages = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert ExtendedKeyUsageOID.SERVER_AUTH in usages


def test_an_expired_one_is_renewed_so_that_nobody_is_locked_out(
    folder: Path, client: Client
) -> None:
    late = NOW + 20 * DAY
    assert client.renew(folder, late).not_valid_after_utc == late + DAY


def test_one_that_expired_too_long_ago_is_not(folder: Path, client: Client) -> None:
    with pytest.raises(RefusedError, match="too long ago"):
        client.renew(folder, NOW + 32 * DAY)


def test_a_revoked_identity_is_not_renewed(folder: Path, client: Client) -> None:
    revoke(folder, Targets(identities=frozenset([WEB])))
    with pytest.raises(RefusedError, match="revoked"):
        client.renew(folder)


def test_a_revoked_certificate_is_not_renewed_also_when_it_has_expired(
    folder: Path, client: Client
) -> None:
    serial = f"{client.leaf.serial_number:x}"
    revoke(folder, Targets(certificates=frozenset([("keyhole.internal", serial, WEB)])))
    for now in (NOW, NOW + 2 * DAY):
        with pytest.raises(RefusedError, match="revoked"):
            client.renew(folder, now)
    Client(folder).renew(folder)  # another certificate of the identity is not revoked


def test_revocations_that_cannot_be_read_stop_renewal(folder: Path, client: Client) -> None:
    (folder / "revoked.json").write_text("damaged")
    with pytest.raises(IdentityError, match="not JSON"):
        client.renew(folder)


def test_who_has_the_certificate_and_not_its_key_gets_nothing(folder: Path, client: Client) -> None:
    thief = ec.generate_private_key(ec.SECP256R1())
    with pytest.raises(RefusedError, match="not by the key"):
        client.renew(folder, signer=thief)


def test_a_signature_counts_for_one_request_alone(folder: Path, client: Client) -> None:
    _, seen = new_request()
    _, other = new_request()
    signature = sign_request(client.key, seen)
    with pytest.raises(RefusedError, match="not by the key"):
        renew(folder, client.chain, other, signature, how="in a test", now=NOW)


def test_a_signature_for_another_purpose_counts_for_nothing(folder: Path, client: Client) -> None:
    _, request = new_request()
    octets = x509.load_pem_x509_csr(request).public_bytes(serialization.Encoding.DER)
    signature = client.key.sign(octets, ec.ECDSA(hashes.SHA256()))
    with pytest.raises(RefusedError, match="not by the key"):
        renew(folder, client.chain, request, signature, how="in a test", now=NOW)


def test_a_certificate_of_another_authority_is_not_renewed(folder: Path, tmp_path: Path) -> None:
    Authority.open(folder, now=NOW)
    stranger = Client(tmp_path / "stranger")
    with pytest.raises(RefusedError, match="not signed by a root that is trusted here"):
        stranger.renew(folder)


def test_a_certificate_that_its_holder_signed_is_not_renewed(folder: Path, client: Client) -> None:
    # The holder of a good key makes a leaf below their own certificate, with another identity.
    admin = x509.UniformResourceIdentifier("spiffe://keyhole.internal/ns/kube-system/sa/admin")
    key = ec.generate_private_key(ec.SECP256R1())
    forged = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(client.leaf.subject)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(NOW - DAY / 2)
        .not_valid_after(NOW + DAY / 2)
        .add_extension(x509.SubjectAlternativeName([admin]), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(client.key.public_key()),
            critical=False,
        )
        .sign(client.key, hashes.SHA256())
    )
    chain = forged.public_bytes(serialization.Encoding.PEM) + client.chain
    _, request = new_request()
    with pytest.raises(RefusedError, match="not signed by a root"):
        renew(folder, chain, request, sign_request(key, request), how="in a test", now=NOW)


def test_the_certificate_of_a_server_is_not_renewed_as_a_client(folder: Path) -> None:
    server = Client(folder, CertificateSpec(names=("dns.example.org",)))
    with pytest.raises(RefusedError, match="names no SPIFFE ID"):
        server.renew(folder)


@pytest.mark.parametrize("chain", [b"", b"hello", b"x" * 20_000])
def test_a_chain_that_cannot_be_read_is_told(folder: Path, client: Client, chain: bytes) -> None:
    client.chain = chain
    with pytest.raises(RequestError):
        client.renew(folder)


def test_a_renewal_moves_a_client_to_the_new_root(folder: Path) -> None:
    now = datetime.now(UTC)
    client = Client(folder, now=now)
    prepare(folder)
    authority = switch(folder)
    leaf = client.renew(folder, now)
    assert authority.signed(leaf)
    assert finish(folder) == 1
    with pytest.raises(RefusedError, match="not signed by a root that is trusted here"):
        client.renew(folder, now)


def test_whoever_renews_in_a_loop_never_gets_ahead_of_a_revocation(folder: Path) -> None:
    """A3: a certificate from before, or renewed from one, is refused whenever it is shown."""
    thief = Client(folder)
    stop = threading.Event()
    got: list[x509.Certificate] = []
    refused = threading.Event()

    def loop() -> None:
        while not stop.is_set():
            try:
                got.append(thief.renew(folder, datetime.now(UTC)))
            except RefusedError:
                refused.set()
                return

    thread = threading.Thread(target=loop)
    thread.start()
    until(lambda: len(got) > 3, "the thief renews")
    revoke(folder, Targets(older=frozenset([WEB])))
    assert refused.wait(PATIENCE)
    stop.set()
    thread.join()
    revoked = read_revoked(folder)
    assert all(revoked.has(WEB, "0", one.not_valid_before_utc) for one in got)
    fresh = Client(folder, now=datetime.now(UTC))
    leaf = x509.load_pem_x509_certificates(fresh.chain)[0]
    assert not revoked.has(WEB, "0", leaf.not_valid_before_utc)

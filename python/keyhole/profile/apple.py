"""Apple's systems: a configuration profile with encrypted DNS (iOS 14, macOS 11 and newer)."""

import plistlib
import uuid
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import PrivateFormat, pkcs12

from keyhole.profile.client import Client, Identity, Profile, ProfileError

_NAMESPACE = uuid.UUID("6c0f2b52-2f9e-5b0a-8d4e-6f0a4c1d7e33")
# Apple requires a password for PKCS #12. It is no secret: the file must be kept secret.
_PASSWORD = "keyhole"  # noqa: S105


def apple(client: Client) -> Profile:
    """A ``.mobileconfig`` with DNS over HTTPS, the root certificates and any client certificate."""
    target = client.doh()
    settings: dict[str, Any] = {
        "DNSProtocol": "HTTPS",
        "ServerURL": client.doh_url(),
        "ServerAddresses": [target.place.address],
    }
    content = [
        _payload("com.apple.security.root", f"root-{number}", PayloadContent=der)
        for number, der in enumerate(client.roots_der())
    ]
    notes = ["open the file on the device and install it in the settings", *client.remarks(target)]
    dns = _payload("com.apple.dnsSettings.managed", "dns", DNSSettings=settings)
    if client.identity is not None:
        payload = _payload(
            "com.apple.security.pkcs12",
            "identity",
            PayloadContent=_pkcs12(client.identity),
            Password=_PASSWORD,
        )
        content.append(payload)
        dns["PayloadCertificateUUID"] = payload["PayloadUUID"]
        notes += [
            "the file holds the private key of the client: give it to nobody else, and delete it "
            "when it is installed",
            "certificates for DNS need iOS 16 or macOS 13; they are not renewed there, so use a "
            "long life (--life 90d), and install a new profile before it ends",
        ]
    whole = _payload("Configuration", "profile", PayloadContent=[*content, dns])
    whole |= {"PayloadDisplayName": "Keyhole DNS", "PayloadOrganization": "Keyhole"}
    return Profile(plistlib.dumps(whole).decode(), "keyhole.mobileconfig", tuple(notes))


def _payload(kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {
        "PayloadType": kind,
        "PayloadVersion": 1,
        "PayloadIdentifier": f"dev.keyhole.{name}",
        # Stable, so that a new profile replaces the previous one.
        "PayloadUUID": str(uuid.uuid5(_NAMESPACE, name)).upper(),
        "PayloadDisplayName": f"Keyhole {name}",
        **more,
    }


def _pkcs12(identity: Identity) -> bytes:
    leaf, *chain = x509.load_pem_x509_certificates(identity.certificate_pem)
    key = serialization.load_pem_private_key(identity.key_pem, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ProfileError(f"{identity.key} is not an ECDSA key")
    # Legacy algorithms: older Apple systems cannot read newer PKCS #12 files.
    protection = (
        PrivateFormat.PKCS12.encryption_builder()
        .kdf_rounds(50_000)
        .key_cert_algorithm(pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC)
        .hmac_hash(hashes.SHA1())  # noqa: S303
        .build(_PASSWORD.encode())
    )
    name = identity.spiffe.encode()
    return pkcs12.serialize_key_and_certificates(name, key, leaf, chain, protection)

"""Certificates: Keyhole's own authority, what it issues, and the files that a person brings.

The authority is a root, an issuer below it, and leaves. A leaf is asked for with a :class:`ChangeRequest`:
names and addresses of a server, or the SPIFFE ID of a workload. Beside the authority lie what is
revoked, the digests of tokens, and enrollments that wait for their client.
"""

from keyhole.identity.authority import Authority, IssuedCertificate
from keyhole.identity.certificate_and_key import CertificateAndKey, read_certificate_and_key
from keyhole.identity.certificate_spec import CertificateSpec
from keyhole.identity.error import IdentityError
from keyhole.identity.files import make_private_folder
from keyhole.identity.server_certificate import ensure_server_certificate
from keyhole.identity.tokens import read_tokens
from keyhole.identity.trust import OwnTrust, identity_files, read_trust

__all__ = [
    "Authority",
    "IssuedCertificate",
    "IdentityError",
    "CertificateAndKey",
    "OwnTrust",
    "CertificateSpec",
    "ensure_server_certificate",
    "identity_files",
    "make_private_folder",
    "read_certificate_and_key",
    "read_tokens",
    "read_trust",
]

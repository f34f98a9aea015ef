"""Certificates: Keyhole's own authority, what it issues, and certificate files of the operator.

The authority is a root, an issuer below it, and leaves. A :class:`CertificateSpec` describes a
leaf: names and addresses of a server, or the SPIFFE ID of a workload. The authority's folder also
holds revocations, digests of tokens, and pending enrollments.
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
    "CertificateAndKey",
    "CertificateSpec",
    "IdentityError",
    "IssuedCertificate",
    "OwnTrust",
    "ensure_server_certificate",
    "identity_files",
    "make_private_folder",
    "read_certificate_and_key",
    "read_tokens",
    "read_trust",
]

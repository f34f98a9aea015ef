"""Certificates: Keyhole's own authority, what it issues, and the files that a person brings.

The authority is a root that signs leaves. A leaf is asked for with a :class:`Wish`; what a leaf may
say (names, addresses, later a SPIFFE id) is a field there, so that workload identities need no
second way of issuing.
"""

from keyhole.identity.authority import Authority
from keyhole.identity.error import IdentityError
from keyhole.identity.files import make_private_folder
from keyhole.identity.material import Material, read_material
from keyhole.identity.server import ensure_server_certificate
from keyhole.identity.wish import Wish

__all__ = [
    "Authority",
    "IdentityError",
    "Material",
    "Wish",
    "ensure_server_certificate",
    "make_private_folder",
    "read_material",
]

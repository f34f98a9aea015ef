"""What is wrong with the manifests, or with what was asked for them."""

from keyhole.errors import KeyholeError


class MeshError(KeyholeError):
    """Manifests cannot be read or made."""

"""A client's credential folder: certificate chain, private key, and trusted roots.

``svid.pem``, ``svid-key.pem`` (0600) and ``bundle.pem`` are links through ``current``, which is
itself a link to the newest of the folders ``.1``, ``.2`` and so on. One rename replaces all three,
so certificate and key always match, also after a crash.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from keyhole.identity.certificate_and_key import read_certificates, read_key
from keyhole.identity.error import IdentityError
from keyhole.identity.files import PRIVATE_FILE, PUBLIC_FILE, make_private_folder, write_whole
from keyhole.identity.renewal import spiffe_id_of
from keyhole.identity.sign import BACKDATE
from keyhole.system import durable
from keyhole.system.regular_file import read_whole

SVID, KEY, BUNDLE = "svid.pem", "svid-key.pem", "bundle.pem"
_CURRENT = "current"


@dataclass(frozen=True)
class Credentials:
    """A client's certificate chain, private key and trusted roots."""

    chain: bytes
    key: ec.EllipticCurvePrivateKey
    bundle: bytes
    leaf: x509.Certificate

    @property
    def spiffe(self) -> str:
        """The SPIFFE ID in the certificate."""
        return spiffe_id_of(self.leaf) or ""

    def time_at(self, share: float) -> float:
        """When the given share (0 to 1) of its lifetime has passed, in seconds of Unix time."""
        begin = self.leaf.not_valid_before_utc + BACKDATE
        return (begin + (self.leaf.not_valid_after_utc - begin) * share).timestamp()


class CredentialFolder:
    """The folder; the first write creates it with mode 0700."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def certificate(self) -> Path:
        """The certificate chain, leaf first."""
        return self.path / SVID

    @property
    def key(self) -> Path:
        """The private key, without a password."""
        return self.path / KEY

    @property
    def bundle(self) -> Path:
        """The roots with which the client verifies servers."""
        return self.path / BUNDLE

    def read(self) -> Credentials:
        """Reads all three; raises :class:`IdentityError` if a file is missing or damaged."""
        leaf = read_certificates(self.certificate)[0]
        key = read_key(self.key)
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != leaf.public_key():
            raise IdentityError(f"{self.key} does not belong to {self.certificate}")
        if spiffe_id_of(leaf) is None:
            raise IdentityError(f"{self.certificate} names no SPIFFE ID, so it is no SVID")
        read_certificates(self.bundle)
        return Credentials(read_whole(self.certificate), key, read_whole(self.bundle), leaf)

    def write(self, chain: bytes, key: bytes, bundle: bytes) -> None:
        """Replaces all three at once; the previous files stay readable until the next write."""
        make_private_folder(self.path)
        try:
            before = self._generations()
            folder = self.path / f".{before[-1] + 1 if before else 1}"
            folder.mkdir(mode=0o700)
            write_whole(folder / KEY, key, PRIVATE_FILE)
            write_whole(folder / SVID, chain, PUBLIC_FILE)
            write_whole(folder / BUNDLE, bundle, PUBLIC_FILE)
            self._link(_CURRENT, folder.name)
            for name in (KEY, SVID, BUNDLE):
                self._link(name, f"{_CURRENT}/{name}")
            for old in before[:-1]:
                shutil.rmtree(self.path / f".{old}", ignore_errors=True)
        except OSError as error:
            raise IdentityError(f"cannot write into {self.path}: {error.strerror}") from error

    def _generations(self) -> list[int]:
        names = (one.name[1:] for one in self.path.iterdir() if one.name.startswith("."))
        return sorted(int(name) for name in names if name.isdigit())

    def _link(self, name: str, target: str) -> None:
        path = self.path / name
        if path.is_symlink() and str(path.readlink()) == target:
            return
        durable.replace_link(path, target)

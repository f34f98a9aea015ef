"""A trust domain of the tests: its authorities, certificates and revocation lists."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.world.certificates import DAY, Authority, Form, Pair, bundle
from tests.world.resolver import document


class TrustDomain:
    """Two roots, an issuer below the first one, and their revocation lists.

    ``rsa`` is a second trusted root: a trust domain may have several.
    """

    def __init__(self, folder: Path, name: str = "keyhole.test") -> None:
        self.name = name
        self.root = Authority(folder / "root", f"{name} root")
        self.rsa = Authority(folder / "rsa", f"{name} RSA root", key="rsa-2048")
        self.issuer = Authority(folder / "issuer", f"{name} issuer", parent=self.root)
        self.others: list[Authority] = []
        self.revoked: list[Pair] = []
        self._folder = folder

    def id(self, path: str) -> str:
        """The SPIFFE ID of a workload."""
        return f"spiffe://{self.name}/{path}"

    def svid(self, path: str, **changes: Any) -> Pair:
        """A certificate of the issuer for a workload; ``changes`` to its form make it a bad one."""
        return self.issuer.svid(self.id(path), **changes)

    def server(self, *names: str, **changes: Any) -> Pair:
        """A certificate of the issuer for a server."""
        return self.issuer.make(Form(names=names, **changes))

    def below(self, name: str, **changes: Any) -> Authority:
        """Another issuer below the root, with changes to its own certificate."""
        folder = self._folder / name.replace(" ", "-")
        issuer = Authority(folder, f"{self.name} {name}", parent=self.root, **changes)
        self.others.append(issuer)
        return issuer

    def lists(self, ends: timedelta = DAY) -> bytes:
        """The revocation lists of all its authorities: silence about a certificate is no good
        word, so those that never signed a bad one have a list as well."""
        authorities = (self.root, self.rsa, self.issuer, *self.others)
        return b"".join(
            authority.crl(*(p for p in self.revoked if p.leaf.issuer == authority.name), ends=ends)
            for authority in authorities
        )

    def write(self, folder: Path, lists: bytes | None = None) -> dict[str, Any]:
        """Writes bundle and lists as files into a folder of documents; gives the document."""
        replace(folder / f"{self.name}-bundle.pem", bundle(self.root, self.rsa))
        replace(folder / f"{self.name}-crl.pem", self.lists() if lists is None else lists)
        files = {"bundle": f"{self.name}-bundle.pem", "crls": [f"{self.name}-crl.pem"]}
        return document("TrustDomain", self.name, **files)


def replace(path: Path, content: bytes) -> None:
    """Replaces a file in one step."""
    draft = path.with_name(f".{path.name}.draft")
    draft.write_bytes(content)
    draft.replace(path)

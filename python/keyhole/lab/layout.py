"""Where everything of a lab lies on the disk, and the documents that it starts with."""

from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from keyhole.identity import ensure_server_certificate
from keyhole.lab.ports import Ports
from keyhole.lab.svids import DOMAIN, RESOLVER, Svids

RESOLVER_NAME = "resolver.example.net"
FORWARDER_NAME = "forwarder.example.net"


@dataclass(frozen=True)
class Layout:
    """The folders of a lab: one authority, a data folder for each engine, the workloads' files."""

    path: Path

    @property
    def identity(self) -> Path:
        """The lab's authority; its ``root.pem`` is what clients trust."""
        return self.path / "identity"

    @property
    def root(self) -> Path:
        """The certificate that clients of the lab trust."""
        return self.identity / "root.pem"

    @property
    def svids(self) -> Svids:
        """By what the workloads, and the resolver before the forwarder, are known."""
        return Svids(self.identity, self.path / "workloads")

    @property
    def resolver(self) -> Path:
        """The data folder of the resolver."""
        return self.path / "resolver"

    @property
    def forwarder(self) -> Path:
        """The data folder of the forwarder."""
        return self.path / "forwarder"


def create_layout(layout: Layout, ports: Ports) -> None:
    """Writes certificates, settings and documents.

    Settings and upstreams hold this run's ports and are always written; a policy, a list or a
    record that is there already is somebody's work and stays.
    """
    layout.svids.renew()
    resolver = layout.svids.of(RESOLVER)
    for name, folder, server_name in (
        ("forwarder", layout.forwarder, FORWARDER_NAME),
        ("resolver", layout.resolver, RESOLVER_NAME),
    ):
        material = ensure_server_certificate(
            layout.identity,
            # Over DoT, a token is a label before the name.
            [server_name, f"*.{server_name}", "localhost"],
            ["127.0.0.1", "::1"],
            file=name,
            domain=DOMAIN,
        )
        values = {
            "dns": ports.dns,
            "dot": ports.dot,
            "doh": ports.doh,
            "forwarder_dot": ports.forwarder_dot,
            "forwarder_doh": ports.forwarder_doh,
            "internet": ports.internet,
            "api": ports.api,
            "certificate": material.certificate.resolve(),
            "key": material.key.resolve(),
            "ca": layout.root.resolve(),
            "name": server_name,
            "trust_domain": DOMAIN,
            "resolver_certificate": resolver.certificate.resolve(),
            "resolver_key": resolver.key.resolve(),
        }
        _link_authority(layout.identity, folder)
        _write(resources.files("keyhole.lab") / "documents" / name, folder, values)


def _link_authority(identity: Path, folder: Path) -> None:
    """Makes the lab's authority the own one of a data folder: whom it vouches for, and whom it has
    revoked, holds for both hops, and the commands find it where they look in any data folder."""
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / "identity"
    if not link.is_symlink():
        link.symlink_to(Path("..") / identity.name, target_is_directory=True)


def _write(source_folder: Traversable, folder: Path, values: dict[str, object]) -> None:
    documents = folder / "documents"
    documents.mkdir(parents=True, exist_ok=True)
    for source in source_folder.iterdir():
        place = folder if source.name == "keyhole.yaml" else documents
        target = place / source.name
        if target.exists() and source.name not in ("keyhole.yaml", "upstreams.yaml"):
            continue
        text = source.read_text(encoding="utf-8")
        # Only files with ports and paths are templates: elsewhere a dollar sign is a dollar sign.
        if source.name in ("keyhole.yaml", "upstreams.yaml"):
            text = Template(text).substitute(values)
        target.write_text(text, encoding="utf-8")

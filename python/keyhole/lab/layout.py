"""The folders of a lab on disk, and the documents that it starts with."""

import json
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
    """The folders of a lab: authority, a data folder for each engine, files of the workloads."""

    path: Path

    @property
    def identity(self) -> Path:
        """The folder of the lab's certificate authority."""
        return self.path / "identity"

    @property
    def root(self) -> Path:
        """The certificate that clients of the lab trust."""
        return self.identity / "root.pem"

    @property
    def svids(self) -> Svids:
        """The SVIDs of the workloads, and of the resolver as a client of the forwarder."""
        return Svids(self.identity, self.path / "workloads")

    @property
    def resolver(self) -> Path:
        """The data folder of the resolver."""
        return self.path / "resolver"

    @property
    def forwarder(self) -> Path:
        """The data folder of the forwarder."""
        return self.path / "forwarder"


def create_layout(layout: Layout, ports: Ports, traces: str | None = None) -> None:
    """Writes certificates, settings and documents.

    Settings and upstreams contain the ports of this run and are always written. A policy, list or
    record that exists is kept, because a person may have changed it. ``traces`` is the
    URL of an OTLP receiver.
    """
    layout.svids.renew()
    resolver = layout.svids.of(RESOLVER)
    for name, folder, server_name, health in (
        ("forwarder", layout.forwarder, FORWARDER_NAME, ports.forwarder_health),
        ("resolver", layout.resolver, RESOLVER_NAME, ports.resolver_health),
    ):
        pair = ensure_server_certificate(
            layout.identity,
            # In DoT, a token is a label in front of the server name.
            [server_name, f"*.{server_name}", "localhost"],
            ["127.0.0.1", "::1"],
            file=name,
            domain=DOMAIN,
        )
        values = {
            "dns": ports.dns,
            "dot": ports.dot,
            "doh": ports.doh,
            "doh_browsers": ports.doh_browsers,
            "forwarder_dot": ports.forwarder_dot,
            "forwarder_doh": ports.forwarder_doh,
            "internet": ports.internet,
            "api": ports.api,
            "enrollment": ports.enrollment,
            "health": health,
            "control_health": ports.control_health,
            "certificate": pair.certificate.resolve(),
            "key": pair.key.resolve(),
            "ca": layout.root.resolve(),
            "name": server_name,
            "trust_domain": DOMAIN,
            "resolver_certificate": resolver.certificate.resolve(),
            "resolver_key": resolver.key.resolve(),
            "traces": json.dumps(_traces(name, traces, resolver.spiffe)),
        }
        _link_authority(layout.identity, folder)
        _write(resources.files("keyhole.lab") / "documents" / name, folder, values)


def _traces(name: str, endpoint: str | None, resolver: str) -> dict[str, object]:
    """The section ``traces``: all queries, and one trace over both hops."""
    if endpoint is None:
        return {}
    forwarders = ["forwarder-dot", "forwarder-doh"] if name == "resolver" else []
    resolvers = [resolver] if name == "forwarder" else []
    share = {"endpoint": endpoint, "share": "100%", "rate": 1000}
    return {**share, "forwarders": forwarders, "resolvers": resolvers}


def _link_authority(identity: Path, folder: Path) -> None:
    """Links the lab's authority into a data folder, so that resolver and forwarder share one set
    of issued and revoked certificates, and commands find it at the usual path."""
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
        # Only these files are templates; in other files a dollar sign is plain text.
        if source.name in ("keyhole.yaml", "upstreams.yaml"):
            text = Template(text).substitute(values)
        target.write_text(text, encoding="utf-8")

"""Upstreams and their order."""

from pathlib import Path

from keyhole.config.declaration import Declaration, Documents
from keyhole.errors import DocumentErrors
from keyhole.model.policy import PolicySpec
from keyhole.model.snapshot import Roots, SnapshotUpstream, UpstreamSet
from keyhole.model.upstream import DOH_PATH, PORTS, UpstreamSpec
from keyhole.policy.certificate_files import (
    CertificateFileError,
    client_files,
    client_identity,
    read_crls,
    read_roots,
)

ClientFiles = tuple[Path, Path]


def compile_upstream(upstream: Declaration[UpstreamSpec]) -> SnapshotUpstream:
    """One upstream; raises `DocumentErrors` if a file of it cannot be used."""
    spec = upstream.spec
    try:
        roots, crls = read_roots(upstream), read_crls(upstream)
    except CertificateFileError as error:
        raise DocumentErrors([upstream.problem(error.location, str(error))]) from None
    return SnapshotUpstream(
        name=upstream.name,
        protocol=spec.protocol,
        addresses=[one.with_port(PORTS[spec.protocol]) for one in spec.addresses],
        server_name=_server_name(spec),
        path=(spec.path or DOH_PATH) if spec.protocol == "doh" else "",
        pins=list(spec.pins),
        server_id=spec.server_id,
        roots=Roots(pem=roots),
        crls=crls,
        client_identity=client_identity(upstream),
    )


def _server_name(spec: UpstreamSpec) -> str:
    """The name for the TLS client. With serverId it is an address, which is never sent
    (RFC 6066 section 3)."""
    if spec.server_name is None and spec.server_id is not None:
        return spec.addresses[0].address
    return spec.server_name or ""


def client_identities(documents: Documents, secrets: Path | None) -> dict[str, ClientFiles]:
    """The client certificates and keys for upstreams, by the name of the identity.

    ``secrets`` is the folder of secrets. Raises `DocumentErrors` for a file that a document may not
    name.
    """
    found = ((client_identity(one), _client_files(one, secrets)) for one in documents.upstreams)
    return {name: files for name, files in found if name is not None and files is not None}


def _client_files(upstream: Declaration[UpstreamSpec], secrets: Path | None) -> ClientFiles | None:
    try:
        return client_files(upstream, secrets)
    except CertificateFileError as error:
        raise DocumentErrors([upstream.problem(error.location, str(error))]) from None


class UpstreamSets:
    """The sets of upstreams that policies ask, each once."""

    def __init__(self, documents: Documents) -> None:
        self._places = {one.name: index for index, one in enumerate(documents.upstreams)}
        self.all: list[UpstreamSet] = []
        self._known: dict[tuple[object, ...], int] = {}

    def place(self, policy: Declaration[PolicySpec]) -> int:
        """The index of the set that a policy asks, added if no other policy has it."""
        use = policy.spec.upstreams
        wanted = UpstreamSet(
            name=policy.name,
            upstreams=[self._places[name] for name in use.names] or list(self._places.values()),
            hedge_ms=use.hedge,
            timeout_ms=use.timeout,
        )
        key = (tuple(wanted.upstreams), wanted.hedge_ms, wanted.timeout_ms)
        if key not in self._known:
            self._known[key] = len(self.all)
            self.all.append(wanted)
        return self._known[key]

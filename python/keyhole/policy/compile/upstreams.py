"""Upstreams and their order."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from keyhole.config.declaration import Declaration, Documents
from keyhole.errors import DocumentErrors
from keyhole.model.domain import domain_names
from keyhole.model.policy import PolicySpec
from keyhole.model.snapshot import (
    ForwardedDomain,
    Index,
    Roots,
    SnapshotUpstream,
    UpstreamSet,
    Validation,
)
from keyhole.model.upstream import DOH_PATH, OVER_HTTP, PORTS, UpstreamSpec
from keyhole.policy.certificate_files import (
    CertificateFileError,
    client_files,
    client_identity,
    read_crls,
    read_roots,
)
from keyhole.policy.trust_anchors import for_domain

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
        path=(spec.path or DOH_PATH) if spec.protocol in OVER_HTTP else "",
        pins=list(spec.pins),
        server_id=spec.server_id,
        roots=Roots(pem=roots),
        crls=crls,
        client_identity=client_identity(upstream),
        cleartext=spec.insecure == "local-network",
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


@dataclass(frozen=True)
class Route:
    """Who answers the clients of a policy."""

    domains: list[ForwardedDomain]
    """For the names of these domains, in the order of names."""
    upstream_set: Index
    """For all other names."""


class UpstreamSets:
    """The sets of upstreams that policies ask, each once."""

    def __init__(self, documents: Documents, validations: Mapping[str, Validation | None]) -> None:
        """``validations`` has that of each policy by its name."""
        self._validations = validations
        self._upstreams = {one.name: (at, one) for at, one in enumerate(documents.upstreams)}
        self.all: list[UpstreamSet] = []
        self._known: dict[tuple[object, ...], int] = {}

    def route(self, policy: Declaration[PolicySpec]) -> Route:
        """Whom a policy asks for what; sets that no other policy has are added. Several upstreams
        with one domain are a set, in the order of the policy."""
        use = policy.spec.upstreams
        general: list[Index] = []
        by_domain: dict[str, list[Index]] = {}
        for name in use.names or self._upstreams:
            index, upstream = self._upstreams[name]
            names = {one for domain in upstream.spec.domains for one in domain_names(domain)}
            for members in [by_domain.setdefault(one, []) for one in names] or [general]:
                members.append(index)
        validation = self._validations.get(policy.name)
        upstream_set = self._place(policy, general, validation)
        # Not in the order of a set of texts, which differs from process to process.
        domains = [
            ForwardedDomain(
                name=name,
                upstream_set=self._place(policy, by_domain[name], for_domain(validation, name)),
            )
            for name in sorted(by_domain)
        ]
        return Route(domains, upstream_set)

    def _place(
        self,
        policy: Declaration[PolicySpec],
        upstreams: list[Index],
        validation: Validation | None,
    ) -> Index:
        use = policy.spec.upstreams
        validated = None if validation is None else validation.model_dump_json()
        key = (tuple(upstreams), use.hedge, use.timeout, validated)
        if key not in self._known:
            self._known[key] = len(self.all)
            wanted = UpstreamSet(
                name=policy.name,
                upstreams=upstreams,
                hedge_ms=use.hedge,
                timeout_ms=use.timeout,
                validation=validation,
            )
            self.all.append(wanted)
        return self._known[key]

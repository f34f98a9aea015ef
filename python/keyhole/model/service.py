"""How clients reach one Keyhole: the data of a client profile."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from keyhole.model.address import is_address
from keyhole.model.name import read_host_name
from keyhole.model.upstream import DOH_PATH, PATH

# Unknown keys are ignored: the server may be newer than the client.
_CONFIG = ConfigDict(extra="ignore", frozen=True)

ClientCertificates = Literal["never", "ask", "require"]
"""Whether a listener asks its clients for a certificate in the TLS handshake."""

Settings = tuple[ClientCertificates | None, ...]
"""Settings of listeners, the best first; None is the unknown one of an older server."""
ASKS_NOBODY: Settings = ("never", None)
"""Where a client may connect that gives up when it is asked for a certificate."""
WITHOUT_CERTIFICATE: Settings = ("never", "ask", None)
"""Where a client without a certificate may connect."""
ASKED = (
    "the DoH listener asks clients for a certificate, and some browsers, phones and set-top boxes "
    "give up then; set never for it, or for a name of this Keyhole, in client_certificates in "
    "keyhole.yaml"
)
"""What a person is told whose client has no certificate and is asked for one."""
WITH_CERTIFICATE: Settings = ("ask", "require", None)
"""Where a client with a certificate may connect."""


class ServiceAddress(BaseModel):
    """An address and a port, and whether clients are asked for a certificate there."""

    model_config = _CONFIG

    address: str
    port: int
    # An older server does not say it.
    client_certificates: ClientCertificates | None = None

    @field_validator("address")
    @classmethod
    def _is_one(cls, value: str) -> str:
        if not is_address(value):
            raise ValueError(f"{value} is not an IP address")
        return value

    @property
    def host(self) -> str:
        """The address in the form for a URL."""
        return f"[{self.address}]" if ":" in self.address else self.address


@dataclass(frozen=True)
class Target:
    """A listener, and the server name to use there; none where the server has only addresses."""

    place: ServiceAddress
    name: str | None
    wanted: ClientCertificates | None = None
    """Whether clients are asked for a certificate there."""

    @property
    def may_ask(self) -> bool:
        """Whether the listener asks for a client certificate there, as far as the client knows."""
        return self.wanted == "ask"

    def doh_url(self, path: str, token: str | None = None) -> str:
        """The URL of DNS over HTTPS, with the token as its last segment."""
        port = "" if self.place.port == 443 else f":{self.place.port}"
        secret = f"/{token}" if token else ""
        return f"https://{self.name or self.place.host}{port}{path}{secret}"

    def dot_name(self, token: str | None = None) -> str | None:
        """The name for verifying the server's certificate, with the token as its first label."""
        if self.name is None:
            return None
        return f"{token}.{self.name}" if token else self.name


class Service(BaseModel):
    """The addresses of DNS over TLS and over HTTPS, the best first, and the server names."""

    model_config = _CONFIG

    name: str | None
    dot: tuple[ServiceAddress, ...]
    doh: tuple[ServiceAddress, ...]
    path: Annotated[str, PATH] = DOH_PATH
    names: dict[str, ClientCertificates] = Field(default_factory=dict)
    """Server names that differ from their listener in whether they ask for a certificate."""

    @field_validator("name")
    @classmethod
    def _is_a_name(cls, value: str | None) -> str | None:
        return None if value is None else read_host_name(value)

    @field_validator("names")
    @classmethod
    def _are_names(cls, value: dict[str, ClientCertificates]) -> dict[str, ClientCertificates]:
        return {read_host_name(name): wanted for name, wanted in value.items()}

    def targets(self, transport: Literal["dot", "doh"], wanted: Settings) -> Iterator[Target]:
        """Listener and name of every way to connect to ``transport`` that asks for certificates as
        ``wanted``, the best first."""
        places: tuple[ServiceAddress, ...] = getattr(self, transport)
        names = [self.name, *(name for name in self.names if name != self.name)]
        for setting in wanted:
            for name in names:
                for place in places:
                    by_listener = place.client_certificates
                    found = by_listener if name is None else self.names.get(name, by_listener)
                    if found == setting:
                        yield Target(place, name, setting)

    def doh_url(self, token: str | None = None) -> str | None:
        """The URL of DNS over HTTPS for a client without a certificate, if there is one."""
        target = next(self.targets("doh", WITHOUT_CERTIFICATE), None)
        return target.doh_url(self.path, token) if target else None

    def dot_name(self, token: str | None = None) -> str | None:
        """The server name over TLS for a client without a certificate, if there is one; with the
        token as its first label."""
        target = next(self.targets("dot", WITHOUT_CERTIFICATE), None)
        return target.dot_name(token) if target else None

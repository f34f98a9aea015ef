"""How clients reach one Keyhole: the data of a client profile."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, field_validator

from keyhole.model.address import is_address
from keyhole.model.name import read_host_name
from keyhole.model.upstream import DOH_PATH, PATH

# Unknown keys are ignored: the server may be newer than the client.
_CONFIG = ConfigDict(extra="ignore", frozen=True)


class ServiceAddress(BaseModel):
    """An address and a port."""

    model_config = _CONFIG

    address: str
    port: int

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


class Service(BaseModel):
    """The addresses of DNS over TLS and over HTTPS, the best first, and the server name."""

    model_config = _CONFIG

    name: str | None
    dot: tuple[ServiceAddress, ...]
    doh: tuple[ServiceAddress, ...]
    path: Annotated[str, PATH] = DOH_PATH

    @field_validator("name")
    @classmethod
    def _is_a_name(cls, value: str | None) -> str | None:
        return None if value is None else read_host_name(value)

    def doh_url(self, token: str | None = None) -> str | None:
        """The URL of DNS over HTTPS, with the token as its last segment; none if it is off."""
        if not self.doh:
            return None
        first = self.doh[0]
        port = "" if first.port == 443 else f":{first.port}"
        secret = f"/{token}" if token else ""
        return f"https://{self.name or first.host}{port}{self.path}{secret}"

    def dot_name(self, token: str | None = None) -> str | None:
        """The name for verifying the server's certificate, with the token as its first label; none
        if the server has only addresses."""
        if self.name is None:
            return None
        return f"{token}.{self.name}" if token else self.name

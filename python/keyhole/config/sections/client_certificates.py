"""The section ``client_certificates`` of ``keyhole.yaml``."""

from typing import Any

from pydantic import Field, field_validator

from keyhole.model.address import Endpoint, read_listener
from keyhole.model.field_types import Section
from keyhole.model.name import read_server_name
from keyhole.model.service import ClientCertificates

_MAX_ENTRIES = 64


class ClientCertificatesSection(Section):
    """Whether clients are asked for a certificate in the TLS handshake. never: they are not; a
    token or their network identifies them. ask: a client without one may still have a token.
    require: without a certificate there is no connection. Chrome, Edge and other Chromium browsers
    do not use a DoH server that asks, even if they have no certificate. This setting admits nobody:
    with authentication strict and never, only clients with a token are served."""

    dot: ClientCertificates = Field("ask", description="DNS over TLS.")
    doh: ClientCertificates = Field(
        "never", description="DNS over HTTPS. Clients with certificates need a listener or a name."
    )
    listeners: dict[str, ClientCertificates] = Field(
        default_factory=dict,
        max_length=_MAX_ENTRIES,
        description="Single listeners of dot and doh that differ, by their address in listen, as "
        'in {"127.0.0.1:8445": ask}.',
    )
    names: dict[str, ClientCertificates] = Field(
        default_factory=dict,
        max_length=_MAX_ENTRIES,
        description="Names in tls.names that differ: for clients that connect to such a name, at "
        "every listener, as in {workloads.dns.example.org: ask}.",
    )

    @field_validator("listeners", mode="before")
    @classmethod
    def _endpoints(cls, value: Any) -> Any:
        return _with_keys(value, lambda key: str(read_listener(key)))

    @field_validator("names", mode="before")
    @classmethod
    def _server_names(cls, value: Any) -> Any:
        return _with_keys(value, read_server_name)

    def of_listener(self, transport: str, endpoint: Endpoint) -> ClientCertificates:
        """The setting of a listener of ``dot`` or ``doh``, where no name decides."""
        wanted: ClientCertificates = getattr(self, transport)
        return self.listeners.get(str(endpoint), wanted)


def _with_keys(value: Any, read: Any) -> Any:
    if not isinstance(value, dict):
        return value
    found: dict[str, Any] = {}
    for key, wanted in value.items():
        normal = read(key)
        if normal in found:
            raise ValueError(f"{normal} is given twice; give it once")
        found[normal] = wanted
    return found

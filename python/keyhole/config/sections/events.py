"""The section ``events`` of ``keyhole.yaml``: what a SIEM or another program is told."""

from ipaddress import ip_address
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from keyhole.config.sections.pairs import both_or_none
from keyhole.model.address import NETWORK, Network
from keyhole.model.document_name import DOCUMENT_NAME
from keyhole.model.field_types import FLAG, FieldType, Section, count, error_at, text_of
from keyhole.model.name import read_server_name
from keyhole.model.url import read_list_url

Kind = Literal["audit", "attention", "evidence", "findings", "refusals", "queries"]
OF_QUERIES: tuple[Kind, ...] = ("findings", "refusals", "queries")
"""Kinds that are made of the query log."""
SYSLOG_TLS_PORT = 6514
"""RFC 5425 section 4.1."""
_EXAMPLE = "siem.example.org:6514"
_WEBHOOK = "https://hooks.example.org/keyhole"
_DEFAULT: tuple[Kind, ...] = ("audit", "attention", "evidence", "findings")


def read_syslog_server(written: object) -> str:
    """A name or an address with a port, that of syslog over TLS if left out."""
    text = text_of(written).strip()
    is_bare_v6 = text.count(":") > 1 and not text.startswith("[")
    try:
        parts = urlsplit(f"//[{text}]" if is_bare_v6 else f"//{text}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError(f"{text} is not a server; write it as {_EXAMPLE}") from None
    if parts.path or parts.query or parts.fragment or parts.username is not None or port == 0:
        raise ValueError(f"{text} is not a server with a port; write it as {_EXAMPLE}")
    if not host:
        raise ValueError(f"{text or 'nothing'} is not a server; write it as {_EXAMPLE}")
    host = read_server_name(host)
    shown = f"[{host}]" if ":" in host else host
    return f"{shown}:{port or SYSLOG_TLS_PORT}"


def host_and_port(server: str) -> tuple[str, int]:
    """The parts of what `read_syslog_server` gave."""
    host, _, port = server.rpartition(":")
    return host.strip("[]"), int(port)


def read_webhook_url(written: object) -> str:
    """An https URL without credentials."""
    text = read_list_url(written)
    if not text.startswith("https:"):
        raise ValueError(f"{text} is not encrypted; events say who did what, so give https")
    return text


SYSLOG_SERVER = FieldType(
    read_syslog_server,
    {"type": "string", "description": "a name or address and a port", "examples": [_EXAMPLE]},
)
WEBHOOK_URL = FieldType(
    read_webhook_url,
    {"type": "string", "format": "uri", "pattern": "^https://", "examples": [_WEBHOOK]},
)


class _ReceiverSection(Section):
    @field_validator("kinds", mode="before", check_fields=False)
    @classmethod
    def _one_is_a_list(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value


class SyslogSection(_ReceiverSection):
    """A receiver of syslog (RFC 5424) over TLS (RFC 5425), such as a SIEM. Its certificate is
    checked. Without server, nothing is sent."""

    server: Annotated[str, SYSLOG_SERVER] | None = Field(
        None,
        description="Its name or address, and its port; 6514 if left out.",
        examples=[_EXAMPLE],
    )
    kinds: tuple[Kind, ...] = Field(
        _DEFAULT,
        description="What it is told: audit (who changed what), attention (what stopped working, "
        "and what works again), evidence (the head of the evidence chain, each hour), findings "
        "(tunnels and rebinding), refusals (refused queries) and queries (all others).",
    )
    tls: Annotated[bool, FLAG] = Field(
        True,
        description="false sends in the clear over TCP, to an address of this machine alone, for a "
        "relay that sends it on encrypted.",
    )
    ca: str | None = Field(
        None,
        min_length=1,
        description="PEM file, beside this one, with the root certificates for the receiver; those "
        "of the system if left out.",
        examples=["siem-root.pem"],
    )
    certificate: str | None = Field(
        None,
        min_length=1,
        description="PEM file with a client certificate chain, where the receiver asks for one.",
        examples=["siem-client.pem"],
    )
    key: str | None = Field(
        None,
        min_length=1,
        description="PEM file with its private key, which nobody else may read.",
        examples=["siem-client-key.pem"],
    )

    @model_validator(mode="after")
    def _clear_stays_here(self) -> Self:
        both_or_none(self, "certificate", "key")
        if self.tls or self.server is None:
            return self
        host, _ = host_and_port(self.server)
        try:
            is_here = ip_address(host).is_loopback
        except ValueError:
            is_here = False
        if not is_here:
            raise error_at(
                "tls",
                f"{host} is not an address of this machine, such as 127.0.0.1, and events say who "
                "did what; leave tls out, or give a relay on this machine",
            )
        if self.ca or self.certificate:
            raise error_at("tls", "without TLS there are no certificates; leave ca and key out")
        return self


class WebhookSection(_ReceiverSection):
    """A receiver of JSON by POST over HTTPS. Each request is signed. Without url, nothing is
    sent."""

    url: Annotated[str, WEBHOOK_URL] | None = Field(
        None, description="Its URL; https. A redirection is not followed.", examples=[_WEBHOOK]
    )
    kinds: tuple[Kind, ...] = Field(_DEFAULT, description="What it is told, as in events.syslog.")
    secret: Annotated[str, DOCUMENT_NAME] | None = Field(
        None,
        description="The name of the secret that signs each request (HMAC-SHA256): a folder in "
        "secrets of the data folder, with the file value, which nobody else may read.",
        examples=["webhook"],
    )
    ca: str | None = Field(
        None,
        min_length=1,
        description="PEM file, beside this one, with the root certificates for the receiver; those "
        "of the system if left out.",
        examples=["hooks-root.pem"],
    )
    allow: Annotated[tuple[Annotated[Network, NETWORK], ...], Field(max_length=64)] = Field(
        (), description="Private networks in which the receiver may be, such as 192.0.2.0/24."
    )

    @model_validator(mode="after")
    def _is_signed(self) -> Self:
        if self.url is not None and self.secret is None:
            raise error_at(
                "url",
                "without secret, the receiver cannot tell who sends; name a secret, such as "
                "webhook, and put at least 32 random characters into secrets/webhook/value of the "
                "data folder",
            )
        return self


class EventsSection(Section):
    """Events for other programs: what changed, what does not work, what was refused. Nothing waits
    for them."""

    host: str | None = Field(
        None,
        min_length=1,
        max_length=255,
        pattern=r"^[!-~]+$",
        description="The name of this machine in events; its host name if left out.",
        examples=["resolver-1"],
    )
    queue: Annotated[int, count(100, 1_000_000)] = Field(
        10_000,
        description="Events that wait in memory for each slow or absent receiver: so many "
        "findings, as many other queries, and as many of all else. More are dropped and counted. "
        "Entries of audit and evidence wait where they are, so that none is dropped.",
    )
    syslog: SyslogSection = Field(default_factory=SyslogSection)
    webhook: WebhookSection = Field(default_factory=WebhookSection)

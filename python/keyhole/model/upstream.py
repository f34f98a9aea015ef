"""``kind: Upstream``: one DNS server that Keyhole asks."""

import base64
import binascii
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from keyhole.model.address import UPSTREAM_ADDRESS, Endpoint
from keyhole.model.document_file import File, KeyFile
from keyhole.model.document_name import DOCUMENT_NAME
from keyhole.model.domain import DOMAIN
from keyhole.model.field_types import FieldType, Spec, error_at, text_of
from keyhole.model.name import SERVER_NAME
from keyhole.model.subject import SPIFFE_ID

Protocol = Literal["doh", "dot", "tcp", "doh_cleartext"]
PORTS: dict[str, int] = {"doh": 443, "dot": 853, "tcp": 53, "doh_cleartext": 80}
"""RFC 8484 section 5, RFC 7858 section 3.1, RFC 7766 section 5, RFC 9110 section 4.2.1."""
ENCRYPTED: tuple[Protocol, ...] = ("doh", "dot")
OVER_HTTP: tuple[Protocol, ...] = ("doh", "doh_cleartext")
DOH_PATH = "/dns-query"
MAX_DOMAINS = 1000
"""Domains of one upstream. Several with the same server may have more."""
_SHA256_OCTETS = 32


def read_pin(written: object) -> str:
    """A pin: the SHA-256 of a SubjectPublicKeyInfo in base64 (RFC 7858 section 4.2)."""
    text = text_of(written).strip().removeprefix("sha256/")
    try:
        octets = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        octets = b""
    if len(octets) != _SHA256_OCTETS:
        raise ValueError(
            f"{text[:60]} is not a pin; a pin is 44 characters of base64, "
            "the SHA-256 of the certificate's SubjectPublicKeyInfo"
        )
    return base64.b64encode(octets).decode()


def read_doh_path(written: object) -> str:
    """The path of DoH, without name and without template variables (RFC 8484 section 3)."""
    text = text_of(written).strip()
    if "{" in text:
        raise ValueError(f"{text} is a template; leave {text[text.index('{') :]} out")
    if "://" in text or not text.startswith("/"):
        raise ValueError(f"{text} is not a path; a path starts with /, such as {DOH_PATH}")
    if not text.isascii() or any(c.isspace() or c in "?#" for c in text):
        raise ValueError(f"{text} holds what a path cannot hold: a space, ?, # or non-ASCII")
    return text


PATH = FieldType(read_doh_path, {"type": "string", "pattern": "^/", "examples": [DOH_PATH]})
PIN = FieldType(read_pin, {"type": "string", "pattern": "^[A-Za-z0-9+/]{43}=$"})


class ClientCertificate(Spec):
    """The client certificate for the upstream: two files, or a secret."""

    certificate: KeyFile | None = Field(
        None,
        description="PEM file with the certificate chain; only in documents of the documents "
        "folder.",
    )
    key: KeyFile | None = Field(
        None,
        description="PEM file with the private key; only in documents of the documents folder.",
    )
    secret: Annotated[str, DOCUMENT_NAME] | None = Field(
        None,
        description="The name of a folder in secrets of the data folder, with tls.crt and tls.key; "
        "instead of certificate and key.",
    )

    @model_validator(mode="after")
    def _has_one_source(self) -> "ClientCertificate":
        files = (self.certificate, self.key)
        if self.secret is not None and any(files):
            raise error_at("secret", "give secret, or certificate and key, not both")
        if self.secret is None and not all(files):
            missing = "certificate" if self.certificate is None else "key"
            raise error_at(missing, "missing; give certificate and key, or the name of a secret")
        return self


class UpstreamSpec(Spec):
    """One DNS server that Keyhole asks."""

    protocol: Protocol = Field(
        description="The protocol: doh (HTTPS), dot (TLS), or one that is not encrypted, see "
        "insecure: tcp, or doh_cleartext (HTTP/2 without TLS) for a sidecar."
    )
    addresses: list[Annotated[Endpoint, UPSTREAM_ADDRESS]] = Field(
        min_length=1,
        max_length=32,
        description="Its IP addresses, tried in order; the port is 443, 853, 53 or 80 if left out.",
    )
    server_name: Annotated[str, SERVER_NAME] | None = Field(
        None, description="The name or address that its certificate must carry."
    )
    server_id: Annotated[str, SPIFFE_ID] | None = Field(
        None,
        description="The SPIFFE ID that its certificate must carry, instead of a name or address.",
    )
    path: Annotated[str, PATH] | None = Field(
        None, description=f"The path of DoH; {DOH_PATH} if left out."
    )
    pins: list[Annotated[str, PIN]] = Field(
        default_factory=list,
        max_length=16,
        description="Acceptable keys: SHA-256 of SubjectPublicKeyInfo in base64. Empty: any.",
    )
    ca: File | None = Field(
        None,
        description="PEM file of the root certificates for it; the public ones if left out.",
    )
    crls: list[File] = Field(
        default_factory=list,
        max_length=64,
        description="PEM files with revocation lists for its certificate; they are watched.",
    )
    client_certificate: ClientCertificate | None = Field(
        None, description="Client certificate for it; none if left out."
    )
    insecure: Literal["mesh", "local-network"] | None = Field(
        None,
        description="Only with tcp and doh_cleartext. mesh: the mesh around this machine encrypts "
        "the hop. local-network, with tcp: nothing does, and a device of the local network, such "
        "as a home router, is asked for its domains all the same.",
    )
    domains: list[Annotated[str, DOMAIN]] = Field(
        default_factory=list,
        max_length=MAX_DOMAINS,
        description="It is asked for these names and all below them, and for nothing else; a "
        "network stands for the names of its addresses. No other upstream of the same policy is "
        "asked for them. "
        "Empty: it is asked for all names that are in no domain.",
    )

    @field_validator("crls", "domains", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @model_validator(mode="after")
    def _matches_its_protocol(self) -> "UpstreamSpec":
        if self.protocol in ENCRYPTED:
            self._check_encrypted()
        else:
            self._check_cleartext()
        if self.protocol not in OVER_HTTP and self.path is not None:
            raise error_at("path", "only doh and doh_cleartext have a path; leave it out")
        return self

    def _check_cleartext(self) -> None:
        if self.insecure is None:
            raise error_at(
                "protocol",
                f"{self.protocol} sends queries unencrypted; use dot or doh, or write "
                "insecure: mesh where a service mesh encrypts the hop",
            )
        if self.insecure == "local-network" and self.protocol != "tcp":
            raise error_at(
                "insecure",
                f"only tcp asks a device of the local network; write mesh, as {self.protocol} is "
                "for a sidecar that encrypts the hop",
            )
        if self.insecure == "local-network" and not self.domains:
            raise error_at(
                "insecure",
                "in the clear a device of the local network is asked for its own names alone; give "
                "domains, such as [lan, 192.168.0.0/16]",
            )
        for key, value in (
            ("serverName", self.server_name),
            ("serverId", self.server_id),
            ("pins", self.pins),
            ("ca", self.ca),
            ("crls", self.crls),
            ("clientCertificate", self.client_certificate),
        ):
            if value:
                why = f"{self.protocol} uses no certificates; leave it out, or use dot or doh"
                raise error_at(key, why)

    def _check_encrypted(self) -> None:
        if self.insecure is not None:
            raise error_at("insecure", f"{self.protocol} is encrypted; leave insecure out")
        if self.server_name is None and self.server_id is None:
            raise error_at(
                "protocol",
                f"{self.protocol} needs serverName, the name or address in the certificate, or "
                "serverId, the SPIFFE ID in it",
            )
        if self.server_id is not None and self.ca is None:
            raise error_at(
                "serverId",
                "public authorities issue no SPIFFE IDs; give ca, the authorities of its trust "
                "domain",
            )

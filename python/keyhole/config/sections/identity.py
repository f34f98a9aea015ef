"""The sections ``identity`` and ``enrollment`` of ``keyhole.yaml``."""

from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from keyhole.model.address import LISTENER, Endpoint, is_address
from keyhole.model.field_types import FieldType, Section, text_of
from keyhole.model.name import read_server_name
from keyhole.model.spiffe import DEFAULT_TRUST_DOMAIN, TRUST_DOMAIN
from keyhole.model.units import DAY, SECOND, seconds

_MAX_LISTENERS = 16
_EXAMPLE = "https://192.0.2.1:8444"


def read_base_url(written: object) -> str:
    """The URL of the enrollment server: https, a name or an address, and perhaps a port."""
    text = text_of(written).strip()
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError(f"{text} is not a URL; write it as {_EXAMPLE}") from None
    if parts.scheme != "https" or not host:
        raise ValueError(f"{text} is not an https URL; write it as {_EXAMPLE}")
    if parts.path not in ("", "/") or parts.query or parts.fragment or parts.username:
        raise ValueError(f"{text} has more than name and port; write it as {_EXAMPLE}")
    name = read_server_name(host)
    shown = f"[{name}]" if is_address(name) and ":" in name else name
    return f"https://{shown}" if port is None else f"https://{shown}:{port}"


BASE_URL = FieldType(
    read_base_url, {"type": "string", "description": "an https URL", "examples": [_EXAMPLE]}
)


class IdentitySection(Section):
    """Keyhole's own certificate authority, which issues client certificates."""

    trust_domain: Annotated[str, TRUST_DOMAIN] = Field(
        DEFAULT_TRUST_DOMAIN,
        description="The trust domain of every SPIFFE ID that the authority signs, as in "
        "spiffe://keyhole.internal/ns/shop/sa/web. Choose it before the first certificate.",
    )


class EnrollmentSection(Section):
    """The server where clients on other machines get and renew their certificates (keyhole enroll).
    Only networks in clients are served. An empty list turns it off."""

    listen: Annotated[
        tuple[Annotated[Endpoint, LISTENER], ...], Field(max_length=_MAX_LISTENERS)
    ] = Field((), description="HTTPS, such as 192.0.2.1:8444, or 127.0.0.1:8444 to try it out.")
    url: Annotated[str, BASE_URL] | None = Field(
        None,
        description="The URL for clients, if it is not the first address in listen. With an "
        "address instead of a name, clients need no DNS to enroll.",
        examples=[_EXAMPLE],
    )
    renew_expired: Annotated[int, seconds(0, 365 * DAY // SECOND)] = Field(
        30 * DAY // SECOND,
        description="How long after it expired a certificate may still be renewed with its key.",
    )

    @field_validator("listen", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

"""The section ``api`` of ``keyhole.yaml``: listeners, TLS, sessions and login."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from keyhole.config.sections.pairs import both_or_none
from keyhole.model.address import (
    LISTENER,
    NETWORK,
    Endpoint,
    Network,
    is_address,
    read_listener,
    read_network,
)
from keyhole.model.field_types import FLAG, FieldType, Section, error_at, text_of
from keyhole.model.name import SERVER_NAME
from keyhole.model.units import DAY, HOUR, MINUTE, SECOND, seconds

_MAX_LISTENERS = 16
_ISSUER = "https://login.example.org"

RoleWord = Literal["viewer", "operator", "administrator"]


def read_issuer(written: object) -> str:
    """The URL of an identity provider: https, or http on loopback."""
    text = text_of(written).strip()
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError(f"{text} is not a URL; write it as {_ISSUER}") from None
    is_here = parts.scheme == "http" and host in ("localhost", "127.0.0.1", "::1")
    if not host or not (parts.scheme == "https" or is_here):
        raise ValueError(f"{text} is not an https URL; write it as {_ISSUER}")
    if parts.query or parts.fragment or parts.username:
        raise ValueError(f"{text} has more than a name and a path; write it as {_ISSUER}")
    return text


ISSUER = FieldType(
    read_issuer, {"type": "string", "description": "an https URL", "examples": [_ISSUER]}
)


class ApiTlsSection(Section):
    """TLS of the API. auto: TLS on all addresses except loopback. never: a proxy in trusted_proxies
    does it."""

    use: Literal["auto", "always", "never"] = Field("auto", description="When TLS is used.")
    certificate: str | None = Field(
        None,
        min_length=1,
        description="PEM file with the certificate chain, beside this file. Left out, Keyhole "
        "makes one from the authority in its data folder.",
        examples=["api.pem"],
    )
    key: str | None = Field(
        None,
        min_length=1,
        description="PEM file with the private key.",
        examples=["api-key.pem"],
    )

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        both_or_none(self, "certificate", "key")
        return self


class SessionSection(Section):
    """How long a login lasts."""

    idle: Annotated[int, seconds(MINUTE // SECOND, 7 * DAY // SECOND)] = Field(
        30 * MINUTE // SECOND, description="Time without a request."
    )
    absolute: Annotated[int, seconds(MINUTE // SECOND, 30 * DAY // SECOND)] = Field(
        12 * HOUR // SECOND, description="Time since the login, in any case."
    )

    @model_validator(mode="after")
    def _idle_is_no_longer(self) -> Self:
        if self.idle > self.absolute:
            raise error_at("idle", "the idle time is longer than absolute")
        return self


class OidcSection(Section):
    """Login by an identity provider (OpenID Connect). Without issuer there is none."""

    issuer: Annotated[str, ISSUER] | None = Field(
        None, description="The issuer URL of the provider.", examples=[_ISSUER]
    )
    client_id: str | None = Field(
        None,
        min_length=1,
        max_length=256,
        description="The client ID of Keyhole at the provider.",
        examples=["keyhole"],
    )
    client_secret_file: str | None = Field(
        None,
        min_length=1,
        description="File with the client secret, beside this file. Left out, Keyhole is a public "
        "client, and PKCE alone protects the authorization code.",
        examples=["oidc.secret"],
    )
    scopes: tuple[str, ...] = Field(
        ("openid", "profile", "email"),
        max_length=32,
        description="Scopes to request; openid is always requested. Many providers need groups.",
    )
    groups_claim: str = Field(
        "groups",
        min_length=1,
        max_length=128,
        description="The claim of the ID token that holds the groups.",
    )
    roles: dict[str, RoleWord] = Field(
        default_factory=dict,
        max_length=256,
        description="The role of each group, as in {dns-admins: administrator}; people in none of "
        "them are refused.",
    )

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.issuer is None:
            given = next(
                (key for key in ("client_id", "client_secret_file") if getattr(self, key)), None
            )
            if given or self.roles:
                raise error_at(
                    given or "roles", "there is no issuer; write the URL of the provider"
                )
            return self
        if self.client_id is None:
            raise error_at(
                "issuer", "client_id is missing: the client ID of Keyhole at the provider"
            )
        if not self.roles:
            raise error_at("roles", "no group has a role, so nobody could log in by the provider")
        return self


class ApiSection(Section):
    """The API for programs and people. Commands on this machine do not need it: they use a Unix
    socket in the data folder."""

    listen: tuple[Annotated[Endpoint, LISTENER], ...] = Field(
        (read_listener("127.0.0.1:8080"),),
        max_length=_MAX_LISTENERS,
        description="HTTP on loopback, HTTPS elsewhere; an empty list turns it off.",
    )
    hosts: tuple[Annotated[str, SERVER_NAME], ...] = Field(
        (),
        max_length=64,
        description="Host names of the API, besides localhost and the addresses in listen; "
        "requests for other names are refused.",
        examples=["keyhole.example.org"],
    )
    clients: tuple[Annotated[Network, NETWORK], ...] = Field(
        (read_network("127.0.0.0/8"), read_network("::1/128")),
        max_length=1_000,
        description="Networks that may use the API; all others are refused.",
    )
    trusted_proxies: tuple[Annotated[Network, NETWORK], ...] = Field(
        (),
        max_length=64,
        description="Networks of proxies whose X-Forwarded-For and X-Forwarded-Proto, or "
        "Forwarded, are used.",
    )
    pihole: Annotated[bool, FLAG] = Field(
        False,
        description="Whether /api answers like Pi-hole 6, for dashboards and home automation. An "
        "API token takes the place of the password.",
    )
    tls: ApiTlsSection = Field(default_factory=ApiTlsSection)
    session: SessionSection = Field(default_factory=SessionSection)
    oidc: OidcSection = Field(default_factory=OidcSection)

    @field_validator("listen", "hosts", "clients", "trusted_proxies", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @model_validator(mode="after")
    def _needs_tls_off_loopback(self) -> Self:
        outside = [one for one in self.listen if not one.ip.is_loopback]
        if outside and self.tls.use == "never" and not self.trusted_proxies:
            raise error_at(
                "tls",
                f"{outside[0]} would take passwords in the clear; leave tls.use out, or name the "
                "proxy that encrypts in trusted_proxies",
            )
        return self

    def is_encrypted(self, endpoint: Endpoint) -> bool:
        """Whether a listener uses TLS."""
        if self.tls.use == "auto":
            return not endpoint.ip.is_loopback or self.tls.certificate is not None
        return self.tls.use == "always"


def advise_on_api(api: ApiSection) -> Iterator[tuple[list[str | int], str]]:
    """Advice on settings that are valid and probably a mistake."""
    outside = [one for one in api.listen if not one.ip.is_loopback]
    remote = [one for one in api.clients if not one.is_loopback]
    if outside and not remote and not api.trusted_proxies:
        yield (
            ["api", "clients"],
            f"the API listens on {outside[0]}, and api.clients holds only this machine, so all "
            "others are refused; add their networks, such as 192.0.2.0/24",
        )
    if remote and api.listen and not outside and not api.trusted_proxies:
        yield (
            ["api", "clients"],
            f"{remote[0]} may use the API, which listens on loopback alone; add an address of "
            "this machine to api.listen",
        )
    if any(one.ip.is_unspecified for one in outside) and not api.hosts:
        yield (
            ["api", "hosts"],
            "the API listens on every address, and its certificate knows no name for it; name "
            "what people will use, such as keyhole.example.org",
        )


def api_names(api: ApiSection) -> tuple[list[str], list[str]]:
    """DNS names and IP addresses for the certificate of the API."""
    listened = [one.address for one in api.listen if not one.ip.is_unspecified]
    wanted = dict.fromkeys([*listened, *api.hosts, "localhost", "127.0.0.1", "::1"])
    return [one for one in wanted if not is_address(one)], [
        one for one in wanted if is_address(one)
    ]

"""The use cases behind ``keyhole token``."""

from dataclasses import dataclass
from pathlib import Path

from keyhole.control.data_folder import DataFolder
from keyhole.control.identity import settings_in_force, settings_of
from keyhole.control.settings import Settings
from keyhole.identity import read_certificate_and_key, tokens
from keyhole.identity.journal import Author
from keyhole.model.service import ASKED, WITHOUT_CERTIFICATE, Service


@dataclass(frozen=True)
class NewToken:
    """A new token; its secret is not stored. ``doh`` is the URL with it, ``dot`` the name."""

    secret: str
    doh: str | None
    dot: str | None
    notes: list[str]

    def use(self) -> dict[str, object]:
        """How to use the token, as data for programs."""
        return {"doh": self.doh, "dot": self.dot, "notes": self.notes}


def create_token(
    data: DataFolder,
    config: Path | None,
    name: str,
    *,
    replace: bool,
    author: Author | None = None,
) -> NewToken:
    """Creates a token, and shows how to use it with the listeners of these settings."""
    settings = settings_of(data, config)
    secret = tokens.create_token(data.identity, name, replace=replace, author=author)
    return new_token(settings, secret)


def new_token(settings: Settings, secret: str) -> NewToken:
    """A token as it is shown once, with its use at the listeners of these settings."""
    service = settings.resolved.service
    # A device with a token has no certificate to show.
    dot = next(service.targets("dot", WITHOUT_CERTIFICATE), None)
    server_name = dot.dot_name(secret) if dot else None
    return NewToken(
        secret=secret,
        doh=service.doh_url(secret),
        dot=f"{server_name} port {dot.place.port}" if dot and server_name else None,
        notes=[*_asked(settings.resolved.service), *_notes(settings)],
    )


def list_tokens(data: DataFolder) -> tuple[tokens.Token, ...]:
    """All tokens, oldest first."""
    settings_in_force(data, None)
    return tokens.list_tokens(data.identity)


def revoke_token(data: DataFolder, name: str, author: Author | None = None) -> None:
    """Revokes a token."""
    settings_in_force(data, None)
    tokens.revoke_token(data.identity, name, author)


def _asked(service: Service) -> list[str]:
    target = next(service.targets("doh", WITHOUT_CERTIFICATE), None)
    return [ASKED] if target is not None and target.may_ask else []


def _notes(settings: Settings) -> list[str]:
    service, identity = settings.resolved.service, settings.server_identity
    if not service.dot:
        return []
    if service.name is None:
        return [
            "over DoT a token travels before the name of the server, and this one has none: "
            "write `tls: {names: [dns.example.org]}` with its name into keyhole.yaml"
        ]
    if identity is not None:
        names = read_certificate_and_key(identity.certificate, identity.key).names()
        if f"*.{service.name}" not in names:
            return [
                f"over DoT clients check for TOKEN.{service.name}, and {identity.certificate} "
                f"does not carry *.{service.name}; use DoH, or a certificate that does"
            ]
    return []

"""The input of a profile (server and client) and its output."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from keyhole.errors import KeyholeError
from keyhole.model.service import (
    ASKED,
    ASKS_NOBODY,
    WITH_CERTIFICATE,
    WITHOUT_CERTIFICATE,
    Service,
    Settings,
    Target,
)

_WORD = {"dot": "DoT", "doh": "DoH"}
_MISSING = {
    ASKS_NOBODY: ("serves clients that must not be asked for a certificate", "never"),
    WITHOUT_CERTIFICATE: ("serves clients without a certificate", "never"),
    WITH_CERTIFICATE: ("asks for a client certificate", "ask"),
}


class ProfileError(KeyholeError):
    """This kind of profile is not possible for this client or with these settings."""


@dataclass(frozen=True)
class Identity:
    """A client certificate: its files and their contents."""

    certificate: Path
    key: Path
    spiffe: str
    certificate_pem: bytes
    key_pem: bytes


@dataclass(frozen=True)
class Client:
    """The server's addresses and roots, and the client's credential: a token, a certificate, or
    none."""

    service: Service
    roots: Path
    """PEM file with the roots that verify the server's certificate."""
    roots_pem: bytes
    token: str | None = None
    identity: Identity | None = None
    notes: tuple[str, ...] = ()
    """Notes about the server for the reader."""

    def dot(self) -> Target:
        """The DoT listener; raises :class:`ProfileError` where there is none for this client."""
        if not self.service.dot:
            raise ProfileError(
                "this Keyhole has no DoT listener; set listen.dot in its keyhole.yaml"
            )
        return self._target("dot", self._wanted())

    def doh(self, *, asks_nobody: bool = False) -> Target:
        """The DoH listener; raises :class:`ProfileError` where there is none for this client.

        With ``asks_nobody``, one that never asks for a certificate.
        """
        if not self.service.doh:
            raise ProfileError(
                "this Keyhole has no DoH listener; set listen.doh in its keyhole.yaml"
            )
        return self._target("doh", ASKS_NOBODY if asks_nobody else self._wanted())

    def doh_url(self, *, asks_nobody: bool = False) -> str:
        """The URL of DNS over HTTPS, with the token if there is one."""
        return self.doh(asks_nobody=asks_nobody).doh_url(self.service.path, self.token)

    def server_name(self) -> str:
        """The name to verify in the DoT server's certificate, with the token as first label; or the
        server's address.

        Raises :class:`ProfileError` for a token where the server has no name.
        """
        target = self.dot()
        name = target.dot_name(self.token)
        if name is None and self.token is not None:
            raise ProfileError(
                "over DoT a token is a label before the server's name, and this Keyhole has no "
                "name; write `tls: {names: [dns.example.org]}` with its name into keyhole.yaml "
                "and restart it, or use a profile for DoH"
            )
        return name or target.place.address

    def _wanted(self) -> Settings:
        return WITHOUT_CERTIFICATE if self.identity is None else WITH_CERTIFICATE

    def _target(self, transport: Literal["dot", "doh"], wanted: Settings) -> Target:
        found = next(self.service.targets(transport, wanted), None)
        if found is None:
            why, setting = _MISSING[wanted]
            raise ProfileError(
                f"no {_WORD[transport]} listener or name of this Keyhole {why}; give one the "
                f"setting {setting} in client_certificates in its keyhole.yaml"
            )
        return found

    def roots_der(self) -> list[bytes]:
        """The roots as DER."""
        roots = x509.load_pem_x509_certificates(self.roots_pem)
        return [root.public_bytes(Encoding.DER) for root in roots]

    def must_not_present_certificate(self, program: str) -> None:
        """Raises :class:`ProfileError` where the client has a certificate, which ``program``
        ignores."""
        if self.identity is not None:
            raise ProfileError(
                f"{program} cannot present a client certificate; make a token with keyhole token "
                "create NAME and give it with --token-file"
            )

    def remarks(self, target: Target | None = None) -> list[str]:
        """Notes that apply to every program, and to a program that is sent to ``target``."""
        notes = list(self.notes)
        if self.identity is None and target is not None and target.may_ask:
            notes.append(ASKED)
        if self.token is None and self.identity is None:
            notes.append(
                "this client has no credential: it is served only where the listener is permissive"
            )
        return notes


@dataclass(frozen=True)
class Profile:
    """The text of a file, where to put it, and notes for the reader."""

    text: str
    file: str
    notes: tuple[str, ...]


def as_comments(sign: str, *lines: str) -> str:
    """Lines as comments."""
    return "".join(f"{sign} {line}".rstrip() + "\n" for line in lines)

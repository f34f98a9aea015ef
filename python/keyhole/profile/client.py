"""For whom a profile is, and what a profile is."""

from dataclasses import dataclass
from pathlib import Path

from keyhole.errors import KeyholeError
from keyhole.model.service import Service, ServiceAddress


class ProfileError(KeyholeError):
    """A profile of this kind cannot be made for this client or with these settings."""


@dataclass(frozen=True)
class Identity:
    """Files of a client certificate, and what is in them."""

    certificate: Path
    key: Path
    spiffe: str
    certificate_pem: bytes
    key_pem: bytes


@dataclass(frozen=True)
class Client:
    """How the server is reached, how it is known, and what the client shows: a token, a
    certificate, or nothing."""

    service: Service
    roots: Path
    """PEM file with the roots by which the server's certificate is known."""
    roots_pem: bytes
    token: str | None = None
    identity: Identity | None = None
    notes: tuple[str, ...] = ()
    """What the reader must know of the server."""

    def dot(self) -> ServiceAddress:
        """Where DNS over TLS is; raises :class:`ProfileError` where it is off."""
        if not self.service.dot:
            raise ProfileError(
                "this Keyhole has no DoT listener; give listen.dot in its keyhole.yaml"
            )
        return self.service.dot[0]

    def doh(self) -> ServiceAddress:
        """Where DNS over HTTPS is; raises :class:`ProfileError` where it is off."""
        if not self.service.doh:
            raise ProfileError(
                "this Keyhole has no DoH listener; give listen.doh in its keyhole.yaml"
            )
        return self.service.doh[0]

    def doh_url(self) -> str:
        """The URL of DNS over HTTPS, token included."""
        self.doh()
        return self.service.doh_url(self.token) or ""

    def server_name(self) -> str:
        """What the certificate of the DoT server must carry: its name, with the token as first
        label, or its address.

        Raises :class:`ProfileError` for a token where the server has no name to put it before.
        """
        name = self.service.dot_name(self.token)
        if name is None and self.token is not None:
            raise ProfileError(
                "over DoT a token travels before the name of the server, and this Keyhole has no "
                "name; write `tls: {names: [dns.example.org]}` with its name into keyhole.yaml, "
                "start it again, and take a profile for DoH meanwhile"
            )
        return name or self.dot().address

    def must_not_present_certificate(self, program: str) -> None:
        """Raises :class:`ProfileError` for a program that could only pretend to use one."""
        if self.identity is not None:
            raise ProfileError(
                f"{program} cannot show a client certificate; make a token with keyhole token "
                "create NAME and give it with --token"
            )

    def remarks(self) -> list[str]:
        """What the reader must know, whatever the program is."""
        notes = list(self.notes)
        if self.token is None and self.identity is None:
            notes.append(
                "this client shows nothing: it is served only where the listener is permissive"
            )
        return notes


@dataclass(frozen=True)
class Profile:
    """The text for a file, where it belongs, and what a person must know beside it."""

    text: str
    file: str
    notes: tuple[str, ...]


def as_comments(sign: str, *lines: str) -> str:
    """Lines as comments."""
    return "".join(f"{sign} {line}".rstrip() + "\n" for line in lines)

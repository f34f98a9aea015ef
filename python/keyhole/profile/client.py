"""The input of a profile (server and client) and its output."""

from dataclasses import dataclass
from pathlib import Path

from keyhole.errors import KeyholeError
from keyhole.model.service import Service, ServiceAddress


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

    def dot(self) -> ServiceAddress:
        """The DoT listener; raises :class:`ProfileError` where there is none."""
        if not self.service.dot:
            raise ProfileError(
                "this Keyhole has no DoT listener; set listen.dot in its keyhole.yaml"
            )
        return self.service.dot[0]

    def doh(self) -> ServiceAddress:
        """The DoH listener; raises :class:`ProfileError` where there is none."""
        if not self.service.doh:
            raise ProfileError(
                "this Keyhole has no DoH listener; set listen.doh in its keyhole.yaml"
            )
        return self.service.doh[0]

    def doh_url(self) -> str:
        """The URL of DNS over HTTPS, with the token if there is one."""
        self.doh()
        return self.service.doh_url(self.token) or ""

    def server_name(self) -> str:
        """The name to verify in the DoT server's certificate, with the token as first label; or the
        server's address.

        Raises :class:`ProfileError` for a token where the server has no name.
        """
        name = self.service.dot_name(self.token)
        if name is None and self.token is not None:
            raise ProfileError(
                "over DoT a token is a label before the server's name, and this Keyhole has no "
                "name; write `tls: {names: [dns.example.org]}` with its name into keyhole.yaml "
                "and restart it, or use a profile for DoH"
            )
        return name or self.dot().address

    def must_not_present_certificate(self, program: str) -> None:
        """Raises :class:`ProfileError` where the client has a certificate, which ``program``
        ignores."""
        if self.identity is not None:
            raise ProfileError(
                f"{program} cannot present a client certificate; make a token with keyhole token "
                "create NAME and give it with --token-file"
            )

    def remarks(self) -> list[str]:
        """Notes that apply to every program."""
        notes = list(self.notes)
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

"""Client credentials: a certificate with its key, a token, or nothing."""

import re
import ssl
from dataclasses import dataclass
from pathlib import Path

from keyhole.dns_client.answer import Transport
from keyhole.dns_client.error import DnsClientError

# At most one DNS label (RFC 1035 section 2.3.4); over HTTPS these characters need no escape.
_TOKEN = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True)
class ClientCredentials:
    """A certificate (PEM, leaf first) with its key, or the text of a token.

    Without ``key``, the key is in the certificate file.
    """

    certificate: Path | None = None
    key: Path | None = None
    token: str | None = None

    def check(self, transport: Transport, name: str) -> None:
        """Raises :class:`DnsClientError` if they cannot be used with ``transport`` and ``name``."""
        if self.key is not None and self.certificate is None:
            raise DnsClientError(
                "--key without --cert; give the certificate that belongs to the key"
            )
        if self.certificate is None and self.token is None:
            return
        if not transport.encrypted:
            what = "certificate" if self.token is None else "token"
            raise DnsClientError(f"a {what} needs --tls or --https, not {transport}")
        if self.token is not None and not _TOKEN.fullmatch(self.token):
            raise DnsClientError(
                "the token should be lower-case letters and digits, as keyhole token create "
                "printed it"
            )
        # Imported here, as below: most queries show no credentials.
        from keyhole.model.address import is_address

        if self.token is not None and transport is Transport.TLS and is_address(name):
            raise DnsClientError(
                f"over TLS a token stands before the name of the server, and {name} is an "
                "address; give the name with --name"
            )

    def path(self, path: str) -> str:
        """The path of a DoH request; a token is appended as a segment."""
        return f"{path.rstrip('/')}/{self.token}" if self.token else path

    def server_name(self, name: str, transport: Transport) -> str:
        """The name in the TLS handshake; over DoT a token is prepended as a label."""
        return f"{self.token}.{name}" if self.token and transport is Transport.TLS else name

    def description(self) -> str | None:
        """The client identity that they prove; ``None`` without credentials."""
        if self.certificate is None:
            return "who has the token" if self.token else None
        from cryptography import x509

        from keyhole.identity.certificate_and_key import read_certificates

        leaf = read_certificates(self.certificate)[0]
        uris = [
            uri
            for extension in leaf.extensions
            if isinstance(extension.value, x509.SubjectAlternativeName)
            for uri in extension.value.get_values_for_type(x509.UniformResourceIdentifier)
        ]
        return ", ".join(uris) or leaf.subject.rfc4514_string()

    def load(self, tls: ssl.SSLContext) -> None:
        """Loads the certificate for the handshake.

        An expired one is loaded as well: the server decides about it. Raises ``IdentityError`` or
        :class:`DnsClientError` for unusable files.
        """
        if self.certificate is None:
            return
        from keyhole.identity.certificate_and_key import read_certificates, read_key

        leaf = read_certificates(self.certificate)[0]
        if self.key is None and b"PRIVATE KEY-----" not in self.certificate.read_bytes():
            raise DnsClientError(f"{self.certificate} holds no key; give the key's file with --key")
        key_file = self.key or self.certificate
        if read_key(key_file).public_key() != leaf.public_key():
            raise DnsClientError(
                f"the key {key_file} does not belong to the certificate {self.certificate}: their "
                "public keys differ; the client's own certificate must stand first in its file"
            )
        try:
            tls.load_cert_chain(self.certificate, key_file)
        except (ssl.SSLError, OSError) as error:
            raise DnsClientError(
                f"the TLS library does not take {self.certificate} and {key_file}: {error}"
            ) from error


NO_CREDENTIALS = ClientCredentials()

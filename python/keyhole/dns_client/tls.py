"""TLS connections with strict verification, and their properties."""

import socket
import ssl
from pathlib import Path
from typing import TYPE_CHECKING

from keyhole.dns_client.alerts import alert_meaning
from keyhole.dns_client.answer import Certificate, Protection
from keyhole.dns_client.credentials import ClientCredentials
from keyhole.dns_client.error import DnsClientError

if TYPE_CHECKING:
    from cryptography import x509


def context(ca: Path | None, alpn: str, credentials: ClientCredentials) -> ssl.SSLContext:
    """Trusts only the given file, or without one the system's certificates; loads the client
    certificate, if any."""
    try:
        tls = ssl.create_default_context(cafile=str(ca) if ca else None)
    except FileNotFoundError:
        raise DnsClientError(f"the CA file {ca} does not exist") from None
    except (ssl.SSLError, OSError) as error:
        raise DnsClientError(
            f"the CA file {ca} holds no PEM certificate that can be read"
        ) from error
    tls.minimum_version = ssl.TLSVersion.TLSv1_2
    tls.set_alpn_protocols([alpn])
    credentials.load(tls)
    return tls


def wrap(connection: socket.socket, tls: ssl.SSLContext, name: str) -> ssl.SSLSocket:
    """Performs the handshake; the certificate must be valid for ``name``, a name or address."""
    try:
        return tls.wrap_socket(connection, server_hostname=name)
    except ssl.SSLCertVerificationError as error:
        raise DnsClientError(_untrusted(error, name)) from error
    except TimeoutError:
        raise DnsClientError("the server did not finish the TLS handshake in time") from None
    except ssl.SSLError as error:
        raise DnsClientError(
            alert_meaning(error)
            or f"the TLS handshake failed ({library_reason(error)}); does this port speak TLS?"
        ) from error
    except OSError as error:
        raise DnsClientError(
            f"the server closed the connection during the TLS handshake ({error.strerror})"
        ) from error


def pending_alert(connection: ssl.SSLSocket) -> str | None:
    """The meaning of an unread alert after the server closed the connection, if any.

    In TLS 1.3 the server verifies our certificate after the handshake is complete for us, so a
    write error may come before the alert.
    """
    try:
        connection.recv(1)
    except ssl.SSLError as error:
        return alert_meaning(error)
    except OSError:
        pass
    return None


def protection(connection: ssl.SSLSocket) -> Protection:
    """The properties of the TLS session."""
    octets = connection.getpeercert(binary_form=True)
    cipher = connection.cipher()
    assert octets is not None
    assert cipher is not None
    # Imported here: most queries are not encrypted.
    from cryptography import x509

    certificate = x509.load_der_x509_certificate(octets)
    return Protection(
        version=connection.version() or "?",
        cipher=cipher[0],
        alpn=connection.selected_alpn_protocol(),
        certificate=Certificate(
            subject=certificate.subject.rfc4514_string() or "(empty)",
            issuer=certificate.issuer.rfc4514_string() or "(empty)",
            names=_names(certificate),
            expires=certificate.not_valid_after_utc,
        ),
    )


def _names(certificate: "x509.Certificate") -> tuple[str, ...]:
    from cryptography import x509

    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(str(name.value) for name in names)


def _untrusted(error: ssl.SSLCertVerificationError, name: str) -> str:
    match error.verify_code:
        case 10:
            return "the certificate of the server has expired"
        case 9:
            return "the certificate of the server is not valid yet; is this clock right?"
        case 18 | 19 | 20 | 21 | 2:
            return (
                "the certificate of the server is signed by no trusted authority; for Keyhole's "
                "own certificate give --ca with the root.pem of its data folder"
            )
        case 62 | 64:
            from keyhole.model.address import is_address

            what = "address" if is_address(name) else "name"
            return (
                f"the certificate of the server is not for the {what} {name}; "
                "give the name that it should carry with --name"
            )
    return f"the certificate of the server cannot be trusted: {error.verify_message}"


def library_reason(error: ssl.SSLError) -> str:
    """The TLS library's reason, as plain text."""
    return (error.reason or str(error)).lower().replace("_", " ")

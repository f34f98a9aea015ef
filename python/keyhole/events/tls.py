"""How receivers are verified, and how Keyhole shows who it is."""

import ssl
from pathlib import Path

from keyhole.events.error import SendError
from keyhole.system.secret_file import check_private


def client_context(
    ca: Path | None, certificate: Path | None = None, key: Path | None = None
) -> ssl.SSLContext:
    """The certificate of the receiver must be for its name, and be issued below ``ca`` or, without
    it, below the roots of the system. Raises `SendError` for a file that cannot be used."""
    try:
        context = ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError) as error:
        raise SendError(f"cannot read ca {ca}: {_why(error)}") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # RFC 9662: nothing older
    if certificate is not None and key is not None:
        try:
            check_private(key)
            context.load_cert_chain(certificate, key)
        except (OSError, ssl.SSLError) as error:
            what = getattr(error, "filename", None) or certificate
            raise SendError(f"cannot use {what}: {_why(error)}") from None
    return context


def _why(error: OSError) -> str:
    return error.strerror or str(error)

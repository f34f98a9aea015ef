"""Meanings of TLS alerts (RFC 8446 section 6.2)."""

import ssl

# In the spelling of the TLS library, without its prefix, which has no meaning.
_ALERTS = {
    "CERTIFICATE_REQUIRED": "it requires a client certificate: give --cert and --key",
    "UNKNOWN_CA": "it trusts no authority that signed our certificate; is it from this server's "
    "trust domain?",
    "CERTIFICATE_EXPIRED": "our certificate has expired, or is not valid yet; is this clock right?",
    "CERTIFICATE_REVOKED": "our certificate has been revoked",
    "BAD_CERTIFICATE": "our certificate is not valid",
    "UNSUPPORTED_CERTIFICATE": "our certificate is not one for clients, or of a kind that it does "
    "not take",
    "CERTIFICATE_UNKNOWN": "it does not accept our certificate",
    "ACCESS_DENIED": "it accepts our certificate, but denies access",
    "DECRYPT_ERROR": "the signature with our certificate is not valid",
    "PROTOCOL_VERSION": "it supports no version of TLS that we accept",
    "NO_APPLICATION_PROTOCOL": "it does not support this DNS transport on this port",
    "UNRECOGNIZED_NAME": "it does not serve the name that we asked for; see --name",
    "HANDSHAKE_FAILURE": "we have no cipher in common",
}


def alert_meaning(error: ssl.SSLError) -> str | None:
    """The meaning of the server's alert; ``None`` if the error is not a known alert."""
    reason = error.reason or ""
    for word, meaning in _ALERTS.items():
        if reason.endswith(("ALERT_" + word, "TLSV1_" + word)):
            return f"the server refuses the TLS connection: {meaning}"
    return None

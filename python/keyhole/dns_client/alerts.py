"""What a server says when it breaks off TLS, in plain words (RFC 8446 section 6.2)."""

import ssl

# As the TLS library spells them: the version in front is history and says nothing.
_ALERTS = {
    "CERTIFICATE_REQUIRED": "it wants to know who asks: show a certificate with --cert and --key",
    "UNKNOWN_CA": "it trusts no authority that signed our certificate; is it from this server's "
    "trust domain?",
    "CERTIFICATE_EXPIRED": "our certificate has expired, or is not valid yet; is this clock right?",
    "CERTIFICATE_REVOKED": "our certificate has been revoked",
    "BAD_CERTIFICATE": "it found a fault in our certificate",
    "UNSUPPORTED_CERTIFICATE": "our certificate is not one for clients, or of a kind that it does "
    "not take",
    "CERTIFICATE_UNKNOWN": "it does not accept our certificate",
    "ACCESS_DENIED": "it knows our certificate and does not serve it",
    "DECRYPT_ERROR": "our certificate or its signature does not hold",
    "PROTOCOL_VERSION": "it speaks no version of TLS that we accept",
    "NO_APPLICATION_PROTOCOL": "it does not speak this kind of DNS on this port",
    "UNRECOGNIZED_NAME": "it does not serve the name that we asked for; see --name",
    "HANDSHAKE_FAILURE": "we have no cipher in common",
}


def alert_meaning(error: ssl.SSLError) -> str | None:
    """The server's alert in plain words; none where the error is no alert that says more."""
    reason = error.reason or ""
    for word, meaning in _ALERTS.items():
        if reason.endswith(("ALERT_" + word, "TLSV1_" + word)):
            return f"the server refuses the TLS connection: {meaning}"
    return None

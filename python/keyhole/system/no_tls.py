"""For connections without TLS."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl


def trusting_nobody() -> "ssl.SSLContext":
    """Believes no certificate. An HTTP client that is not told whom to trust reads the roots of the
    system, also where there is no TLS, and that takes longer than an answer."""
    import ssl

    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

"""Why a server could not be options."""

from keyhole.errors import KeyholeError


class DnsClientError(KeyholeError):
    """No acceptable answer arrived; the message says why."""

"""Why a server could not be options."""

from keyhole.errors import KeyholeError


class DnsClientError(KeyholeError):
    """No answer came; the message says in plain words what stood in the way."""

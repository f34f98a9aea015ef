"""A DNS round trip through a listener of our own: the proof that an engine answers."""

import ssl
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import dns.exception
import dns.message
import dns.query
from dns.message import Message

from keyhole.model.address import read_endpoint

SECONDS = 2.0
NAME = "ready.invalid"
"""Never leaves this machine (RFC 6761 section 6.4), so it needs no upstream."""
_CERTIFICATE_REQUIRED = "TLSV13_ALERT_CERTIFICATE_REQUIRED"
"""The alert of RFC 8446 section 6.2, as OpenSSL spells it."""
_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  (compared, not bound)
# It asks itself and sends nothing secret, so the certificate does not matter here.
_EXCHANGES: dict[str, Callable[..., Message]] = {
    "udp": dns.query.udp,
    "tcp": dns.query.tcp,
    "dot": partial(dns.query.tls, verify=False),
}


def ask_own_listener(addresses: Mapping[str, Sequence[str]]) -> str:
    """Asks over the first listener that there is; why that failed, or nothing. Any answer will do:
    a refusal was answered, too."""
    for transport, exchange in _EXCHANGES.items():
        if addresses.get(transport):
            endpoint = read_endpoint(addresses[transport][0])
            host = _ANY.get(endpoint.address, endpoint.address)
            query = dns.message.make_query(NAME, "A")
            try:
                exchange(query, host, timeout=SECONDS, port=endpoint.port)
            except ssl.SSLError as error:
                # A listener that insists on a client certificate refuses us, and so it serves.
                if error.reason != _CERTIFICATE_REQUIRED:
                    return f"{transport} {endpoint} does not answer: {error}"
            except (OSError, dns.exception.DNSException) as error:
                return f"{transport} {endpoint} does not answer: {error}"
            return ""
    return ""  # over HTTPS alone: that this page is served must do

"""Refused TLS handshakes and connections of control's own listeners: counted, and reported within a
limit."""

import asyncio
import ssl
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from keyhole.model.address import rate_limit_key

SUMMED_SECONDS = 60.0
"""How long refusals of a kind are counted for one report."""
_MAX_KINDS = 1024
_OTHERS = "other addresses"

# What OpenSSL says of the certificate of a client (verify_message), in our words.
_CERTIFICATES = {
    "certificate has expired": "its certificate has expired",
    "certificate is not yet valid": "its certificate is not valid yet",
    "certificate revoked": "its certificate was revoked",
    "unable to get local issuer certificate": "no trusted authority issued its certificate",
    "unable to get issuer certificate": "no trusted authority issued its certificate",
    "unable to verify the first certificate": "no trusted authority issued its certificate",
    "self-signed certificate": "no trusted authority issued its certificate",
    "self-signed certificate in certificate chain": "no trusted authority issued its certificate",
    "unsuitable certificate purpose": "its certificate is not one of a client",
    "unsupported certificate purpose": "its certificate is not one of a client",
}
# Reasons of OpenSSL, by their beginning or a part of them.
_NO_CERTIFICATE = "PEER_DID_NOT_RETURN_A_CERTIFICATE"
_NOT_TLS = ("HTTP_REQUEST", "HTTPS_PROXY_REQUEST", "WRONG_VERSION_NUMBER", "BAD_RECORD_TYPE")
_INCOMPATIBLE = ("NO_SHARED_CIPHER", "UNSUPPORTED_PROTOCOL", "VERSION_TOO_LOW", "NO_APPLICATION")
_OUR_CERTIFICATE = (
    "UNKNOWN_CA",
    "BAD_CERTIFICATE",
    "CERTIFICATE_UNKNOWN",
    "CERTIFICATE_EXPIRED",
    # Its root has the name of ours, and another key.
    "DECRYPT_ERROR",
)
# The client went away; nobody was refused.
_GONE = ("UNEXPECTED_EOF_WHILE_READING", "APPLICATION_DATA_AFTER_CLOSE_NOTIFY")


class NotAdmittedError(Exception):
    """A connection that a listener did not admit, for a reason other than TLS; the text says why.

    It is counted only: who refuses it says more of it.
    """


def refusal_of(error: BaseException) -> str | None:
    """Why a handshake was refused, in words; ``None`` if the client only went away."""
    if isinstance(error, ssl.SSLCertVerificationError):
        found = error.verify_message.lower().rstrip(".")
        return _CERTIFICATES.get(found, f"its certificate is not valid: {found}")
    if not isinstance(error, ssl.SSLError) or isinstance(error, ssl.SSLEOFError):
        return None
    reason = error.reason or ""
    if reason == _NO_CERTIFICATE:
        return "it showed no certificate"
    if reason in _GONE:
        return None
    if "ALERT" in reason and any(word in reason for word in _OUR_CERTIFICATE):
        return "it does not accept the certificate of this server"
    if reason.startswith(_NOT_TLS):
        return "it does not speak TLS"
    if any(word in reason for word in _INCOMPATIBLE):
        return "it speaks no TLS version, cipher or protocol of this server"
    return f"the TLS handshake failed ({reason.replace('_', ' ').lower() or 'unknown reason'})"


@dataclass(frozen=True)
class Refusals:
    """How often one listener refused a handshake for one reason."""

    listener: str
    why: str
    count: int


class RefusedHandshakes:
    """The first refusal of a kind is reported at once; those that follow are summed up each minute.

    A kind is a listener, an address (IPv6: a /64) and a reason.
    """

    def __init__(self, report: Callable[[str], None]) -> None:
        self._report = report
        self._counts: Counter[tuple[str, str]] = Counter()
        self._unreported: Counter[tuple[str, str, str]] = Counter()
        self._timer: asyncio.TimerHandle | None = None

    def of(self, listener: str) -> Callable[[str, BaseException], None]:
        """What a listener with this name calls with the address and the error."""

        def refused(address: str, error: BaseException) -> None:
            if isinstance(error, NotAdmittedError):
                self._counts[listener, str(error)] += 1
            elif (why := refusal_of(error)) is not None:
                self._add(listener, address, why)

        return refused

    def counts(self) -> list[Refusals]:
        """All refusals since the start, by listener and reason."""
        return [Refusals(*kind, count) for kind, count in sorted(self._counts.items())]

    def _add(self, listener: str, address: str, why: str) -> None:
        self._counts[listener, why] += 1
        kind = (listener, rate_limit_key(address), why)
        if kind in self._unreported:
            self._unreported[kind] += 1
            return
        if len(self._unreported) >= _MAX_KINDS:
            self._unreported[listener, _OTHERS, why] += 1
            return
        self._unreported[kind] = 0
        self._report(f"{listener} refused a TLS connection from {address}: {why}")
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SUMMED_SECONDS, self._sum_up)

    def _sum_up(self) -> None:
        self._timer = None
        unreported, self._unreported = self._unreported, Counter()
        for (listener, address, why), count in unreported.items():
            if count:
                self._report(
                    f"{listener} refused {count} more TLS connections from {address}: {why}"
                )

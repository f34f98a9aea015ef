"""Refused handshakes of control's listeners: reported within a limit, counted without one."""

import asyncio
import ssl
from ipaddress import ip_network

import pytest

from keyhole.http import refused_handshakes
from keyhole.http.connection_limiter import (
    NETWORK_REFUSED,
    TOO_MANY,
    ConnectionLimiter,
    ConnectionLimits,
)
from keyhole.http.refused_handshakes import (
    NotAdmittedError,
    Refusals,
    RefusedHandshakes,
    refusal_of,
)

_PURPOSE = "unsuitable certificate purpose"


def _error(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, f"[SSL: {reason}]")
    error.reason = reason
    return error


def _unverified(message: str) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, message)
    error.verify_message = message
    return error


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (_unverified("certificate has expired"), "its certificate has expired"),
        (
            _unverified("self-signed certificate in certificate chain"),
            "no trusted authority issued its certificate",
        ),
        (_unverified(_PURPOSE), "its certificate is not one of a client"),
        (_unverified("CA signature digest too weak"), "its certificate is not valid: ca signature"),
        (_error("PEER_DID_NOT_RETURN_A_CERTIFICATE"), "it showed no certificate"),
        (_error("TLSV1_ALERT_UNKNOWN_CA"), "it does not accept the certificate of this server"),
        (_error("SSLV3_ALERT_CERTIFICATE_EXPIRED"), "it does not accept the certificate"),
        (_error("HTTP_REQUEST"), "it does not speak TLS"),
        (_error("NO_SHARED_CIPHER"), "it speaks no TLS version, cipher or protocol"),
        (_error("BAD_SIGNATURE"), "the TLS handshake failed (bad signature)"),
        (_error("UNEXPECTED_EOF_WHILE_READING"), None),
        (ssl.SSLEOFError(8, "EOF occurred"), None),
        (ConnectionResetError(104, "reset"), None),
        (asyncio.CancelledError(), None),
    ],
)
def test_an_error_has_a_reason_in_words_unless_the_client_only_left(
    error: BaseException, why: str | None
) -> None:
    found = refusal_of(error)
    assert found is None if why is None else (found or "").startswith(why)


def test_many_of_a_kind_are_summed_up_and_all_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refused_handshakes, "SUMMED_SECONDS", 0.01)
    reports: list[str] = []
    done = asyncio.Event()

    def report(why: str) -> None:
        reports.append(why)
        if len(reports) == 3:
            done.set()

    missing, expired = "it showed no certificate", "its certificate has expired"

    async def refuse() -> RefusedHandshakes:
        refused = RefusedHandshakes(report)
        link = refused.of("link")
        for _ in range(100):
            link("192.0.2.1", _error("PEER_DID_NOT_RETURN_A_CERTIFICATE"))
        link("192.0.2.2", _unverified("certificate has expired"))
        link("192.0.2.1", ConnectionResetError())
        await done.wait()
        return refused

    refused = asyncio.run(refuse())
    assert reports == [
        f"link refused a TLS connection from 192.0.2.1: {missing}",
        f"link refused a TLS connection from 192.0.2.2: {expired}",
        f"link refused 99 more TLS connections from 192.0.2.1: {missing}",
    ]
    assert refused.counts() == [Refusals("link", missing, 100), Refusals("link", expired, 1)]


def test_what_a_listener_does_not_let_in_is_counted() -> None:
    """E2: whoever refuses it reports it."""
    reports: list[str] = []
    refused = RefusedHandshakes(reports.append)
    for _ in range(3):
        refused.of("link")("192.0.2.1", NotAdmittedError("too many"))
    assert refused.counts() == [Refusals("link", "too many", 3)]
    assert not reports


def test_a_limiter_tells_of_each_connection_that_it_does_not_let_in() -> None:
    refused = RefusedHandshakes(list[str]().append)
    limiter = ConnectionLimiter(
        (ip_network("192.0.2.0/24"),),
        None,
        asyncio.Protocol,
        lambda *_: None,
        ConnectionLimits(connections=2, per_address=1),
        refused.of("api"),
    )
    assert [limiter.admit(one) for one in ("192.0.2.1", "192.0.2.1", "198.51.100.1")] == [
        True,
        False,
        False,
    ]
    assert refused.counts() == [Refusals("api", NETWORK_REFUSED, 1), Refusals("api", TOO_MANY, 1)]

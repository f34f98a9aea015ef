"""What becomes of a client, in one word."""

import re
import ssl

import httpx2

from tests.world import raw
from tests.world.ask import Reply, Server
from tests.world.callers import HONEST, Caller, Tls, ask_as, port_of

_PROHIBITED = 18
_ALERT = re.compile(r"alert[ _]([a-z_ ]+[a-z])", re.IGNORECASE)


def outcome_of(server: Server, way: str, caller: Caller, tls: Tls = HONEST) -> str:
    """``answered``, the word of the reason of a refusal, or the TLS alert that ended it."""
    try:
        return word(ask_as(server, way, caller, "www.example.org", tls=tls))
    except (OSError, EOFError, httpx2.HTTPError) as error:
        found = alert(error) or _last_word(server, way, caller, tls)
        if found is None:
            raise
        return found


def word(reply: Reply) -> str:
    """``answered``, or the word of the reason."""
    if reply.rcode == "NOERROR" and reply.addresses and not reply.errors:
        return "answered"
    ((code, said),) = reply.errors
    assert (code == _PROHIBITED) == (reply.rcode == "REFUSED"), reply.message
    return said


def alert(error: BaseException | None) -> str | None:
    """The TLS alert behind an error, in the words of RFC 8446 section 6; HTTP libraries wrap it."""
    while error is not None:
        # As the library spells it: TLSV13_ALERT_CERTIFICATE_REQUIRED, or in words.
        found = _ALERT.search(str(error)) if isinstance(error, ssl.SSLError) else None
        if found:
            return found[1].replace("_", " ").lower()
        error = error.__cause__ or error.__context__
    return None


def _last_word(server: Server, way: str, caller: Caller, tls: Tls) -> str | None:
    """The alert that ends a connection on which nothing is sent.

    In TLS 1.3 a client has done its part before the server has looked at its certificate. One that
    writes on may find the connection closed and never read why.
    """
    if (port := port_of(server, way)) is None:
        return None
    context = tls.context(server, caller, {"dot": "dot", "doh2": "h2", "doh1": "http/1.1"}[way])
    try:
        with raw.secured(port, context, server.name) as sock:
            sock.recv(1)
    except ssl.SSLError as error:
        return alert(error)
    return None

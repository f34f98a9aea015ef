"""Section A, security: a limit of headers is a limit, in whatever form the octets come."""

import h11
import pytest

from keyhole.http.protocol import HEADER_OCTETS, _Connection

LINE = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
FORMS = {
    "a long value": lambda size: b"X: " + b"x" * size + b"\r\n",
    "blanks before a value": lambda size: b"X:" + b" " * size + b"x\r\n",
    "blanks behind a value": lambda size: b"X: x" + b"\t" * size + b"\r\n",
    "a folded line": lambda size: b"X: x\r\n" + b" " * size + b"y\r\n",
    "many short headers": lambda size: b"X:\r\n" * (size // 4),
}


def _takes(octets: bytes) -> bool:
    """Whether everything up to the end of the request is taken, when it comes in one read."""
    connection = _Connection(h11.SERVER, HEADER_OCTETS)
    connection.receive_data(octets)
    try:
        while not isinstance(connection.next_event(), h11.EndOfMessage):
            pass
    except h11.RemoteProtocolError:
        return False
    return True


@pytest.mark.parametrize("form", FORMS)
def test_the_octets_of_a_header_count_as_they_arrive(form: str) -> None:
    """A18: at the API, at the link and at the enrollment server."""
    for size, is_good in ((HEADER_OCTETS - 100, True), (20_000, False), (200_000, False)):
        assert _takes(LINE + FORMS[form](size) + b"\r\n") is is_good, size


@pytest.mark.parametrize("form", FORMS)
def test_the_same_holds_for_the_trailers_of_a_body(form: str) -> None:
    """A18: and for the extensions of its last chunk."""
    for size, is_good in ((HEADER_OCTETS - 100, True), (20_000, False)):
        assert _takes(CHUNKED + b"0\r\n" + FORMS[form](size) + b"\r\n") is is_good, size
    assert not _takes(CHUNKED + b"0;" + b"x" * 20_000 + b"\r\n\r\n")


def test_a_body_of_a_known_length_does_not_count() -> None:
    length = b"Content-Length: 100000\r\n\r\n"
    assert _takes(LINE.replace(b"GET", b"POST") + length + b"x" * 100_000)

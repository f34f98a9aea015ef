"""One DoH query over an open TLS connection: HTTP/2, POST (RFC 8484)."""

import ssl

import h2.config
import h2.connection
import h2.events
import h2.exceptions

from keyhole.dns_client.error import DnsClientError

MEDIA_TYPE = "application/dns-message"
_MAX_OCTETS = 65535


def exchange(
    connection: ssl.SSLSocket, authority: str, path: str, question: bytes
) -> tuple[int, bytes]:
    """Sends the query; returns the HTTP status and the body.

    The socket's timeout bounds each wait. Raises :class:`DnsClientError` if the server does not
    support HTTP/2 or closes the connection early.
    """
    if connection.selected_alpn_protocol() != "h2":
        raise DnsClientError("the server does not offer HTTP/2; is this a DoH server?")
    http = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
    http.initiate_connection()
    http.send_headers(
        1,
        [
            (":method", "POST"),
            (":scheme", "https"),
            (":authority", authority),
            (":path", path),
            ("accept", MEDIA_TYPE),
            ("content-type", MEDIA_TYPE),
            ("content-length", str(len(question))),
        ],
    )
    http.send_data(1, question, end_stream=True)
    connection.sendall(http.data_to_send())
    try:
        return _response(connection, http)
    except h2.exceptions.ProtocolError as error:
        raise DnsClientError(f"the server violates HTTP/2: {error}") from error


def _response(connection: ssl.SSLSocket, http: h2.connection.H2Connection) -> tuple[int, bytes]:
    status, body = 0, bytearray()
    while octets := connection.recv(65536):
        for event in http.receive_data(octets):
            match event:
                case h2.events.ResponseReceived():
                    status = _status(event)
                case h2.events.DataReceived():
                    body += event.data
                    http.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                    if len(body) > _MAX_OCTETS:
                        raise DnsClientError("the server sent more than a DNS message can hold")
                case h2.events.StreamEnded():
                    return status, bytes(body)
                case h2.events.StreamReset() | h2.events.ConnectionTerminated():
                    raise DnsClientError("the server refused the HTTP request")
        connection.sendall(http.data_to_send())
    raise DnsClientError("the server closed the connection instead of answering")


def _status(response: h2.events.ResponseReceived) -> int:
    for name, value in response.headers or []:
        if name in (":status", b":status"):
            return int(value)
    return 0

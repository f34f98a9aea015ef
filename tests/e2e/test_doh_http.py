"""DoH as HTTP: methods, media types, errors, caching (RFC 8484, RFC 9110)."""

import base64
import http.client
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import dns.message
import h2.connection
import h2.errors
import h2.events
import httpx2
import pytest

from tests.world.ask import Server
from tests.world.resolver import Resolver
from tests.world.tools import needs, run

_TYPE = "application/dns-message"
_QUERY = dns.message.make_query("doh.example.org", "A")
_QUERY.id = 0
_WIRE = _QUERY.to_wire()
_PARAMETER = base64.urlsafe_b64encode(_WIRE).rstrip(b"=").decode()


@pytest.fixture
def server(shared_resolver: Resolver) -> Server:
    return shared_resolver.server


@pytest.fixture(params=["HTTP/1.1", "HTTP/2"])
def client(server: Server, request: pytest.FixtureRequest) -> Iterator[httpx2.Client]:
    """A client that speaks one version of HTTP."""
    two = request.param == "HTTP/2"
    context = ssl.create_default_context(cafile=str(server.ca))
    base = f"https://127.0.0.1:{server.doh}"
    with httpx2.Client(
        base_url=base, http1=not two, http2=two, verify=context, trust_env=False
    ) as client:
        yield client


def _post(client: httpx2.Client, content: bytes, **headers: str) -> httpx2.Response:
    return client.post("/dns-query", content=content, headers={"content-type": _TYPE, **headers})


def test_get_and_post_give_the_same_answer(client: httpx2.Client) -> None:
    got = client.get("/dns-query", params={"dns": _PARAMETER}, headers={"accept": _TYPE})
    posted = _post(client, _WIRE)
    for response in (got, posted):
        assert response.status_code == 200
        assert response.headers["content-type"] == _TYPE
        assert dns.message.from_wire(response.content).answer
    assert got.content[:2] == b"\x00\x00"


def test_freshness_is_at_most_the_smallest_ttl(client: httpx2.Client) -> None:
    response = _post(client, _WIRE)
    ttl = dns.message.from_wire(response.content).answer[0].ttl
    directive, _, seconds = response.headers["cache-control"].partition("max-age=")
    assert directive.strip(" ,") in ("", "private")
    assert 0 <= int(seconds) <= ttl


def test_dns_errors_are_http_success(client: httpx2.Client) -> None:
    for name in ("servfail-1.example.org", "blocked.example.org"):
        response = _post(client, dns.message.make_query(name, "A").to_wire())
        assert response.status_code == 200
        assert dns.message.from_wire(response.content).rcode() in (2, 3)


@pytest.mark.parametrize("parameters", [{}, {"dns": ""}, {"dns": "!!!"}, {"dns": "AAA"},
                                        {"name": "example.org"}])  # fmt: skip
def test_a_get_without_a_message_is_a_bad_request(
    client: httpx2.Client, parameters: dict[str, str]
) -> None:
    assert client.get("/dns-query", params=parameters).status_code == 400


def test_a_body_that_is_no_message_is_a_bad_request(client: httpx2.Client) -> None:
    assert _post(client, b"").status_code == 400
    assert _post(client, b"\x00").status_code == 400


def test_another_path_is_not_found(client: httpx2.Client) -> None:
    for path in ("/", "/dns-query/", "/dns-queryx", "/other"):
        assert client.get(path, params={"dns": _PARAMETER}).status_code == 404


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH"])
def test_another_method_is_not_allowed(client: httpx2.Client, method: str) -> None:
    response = client.request(method, "/dns-query", content=_WIRE)
    assert response.status_code == 405
    assert {"GET", "POST"} <= {word.strip() for word in response.headers["allow"].split(",")}


@needs("curl")
def test_a_body_over_the_largest_message_is_too_large(server: Server, tmp_path: Path) -> None:
    body = tmp_path / "body"
    body.write_bytes(b"\x00" * 200_000)
    sent = run("curl", "--silent", "--http1.1", "--cacert", str(server.ca), "--data-binary",
               f"@{body}", "--header", f"content-type: {_TYPE}", "--header", "expect:",
               "--output", "/dev/null", "--write-out", "%{http_code}", server.url)  # fmt: skip
    assert sent.stdout == "413", sent


def test_over_http_2_a_body_that_is_too_large_is_told_to_stop(server: Server) -> None:
    # Spoken frame by frame: the answer comes while the body is still being sent, and a reset
    # without error ends the sending (RFC 9113 section 8.1).
    context = ssl.create_default_context(cafile=str(server.ca))
    context.set_alpn_protocols(["h2"])
    talk = h2.connection.H2Connection()
    talk.initiate_connection()
    talk.send_headers(1, [(":method", "POST"), (":path", "/dns-query"), (":scheme", "https"),
                          (":authority", "127.0.0.1"), ("content-type", _TYPE),
                          ("content-length", "65536")])  # fmt: skip
    talk.send_data(1, b"\x00" * 1000)
    status, reset = "", None
    with (
        socket.create_connection(("127.0.0.1", server.doh), 10) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as sock,
    ):
        sock.sendall(talk.data_to_send())
        while reset is None:
            for event in talk.receive_data(sock.recv(65_536)):
                if isinstance(event, h2.events.ResponseReceived):
                    status = dict(event.headers)[b":status"].decode()
                if isinstance(event, h2.events.StreamReset):
                    reset = event.error_code
    assert (status, reset) == ("413", h2.errors.ErrorCodes.NO_ERROR)


@pytest.mark.parametrize("media", ["application/json", "text/plain", ""])
def test_another_media_type_is_unsupported(client: httpx2.Client, media: str) -> None:
    response = client.post("/dns-query", content=_WIRE, headers={"content-type": media})
    assert response.status_code == 415


def test_errors_cost_the_connection_nothing(client: httpx2.Client) -> None:
    client.get("/other")
    _post(client, b"\x00")
    assert _post(client, _WIRE).status_code == 200


def test_the_upgrade_to_cleartext_http_2_is_not_offered(server: Server) -> None:
    context = ssl.create_default_context(cafile=str(server.ca))
    connection = http.client.HTTPSConnection("127.0.0.1", server.doh, context=context, timeout=10)
    connection.request("GET", f"/dns-query?dns={_PARAMETER}", headers={
        "connection": "Upgrade, HTTP2-Settings", "upgrade": "h2c", "http2-settings": "AAMAAABkAAQ",
    })  # fmt: skip
    assert connection.getresponse().status == 200
    connection.close()


def test_requests_one_after_the_other_share_a_connection(server: Server) -> None:
    context = ssl.create_default_context(cafile=str(server.ca))
    connection = http.client.HTTPSConnection("127.0.0.1", server.doh, context=context, timeout=10)
    for _ in range(3):
        connection.request("POST", "/dns-query", _WIRE, {"content-type": _TYPE})
        response = connection.getresponse()
        assert response.status == 200
        response.read()
    connection.close()


def test_an_endless_header_ends_the_connection(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.doh), 20) as plain:
        context = ssl.create_default_context(cafile=str(server.ca))
        with context.wrap_socket(plain, server_hostname="127.0.0.1") as sock:
            sock.sendall(b"GET /dns-query HTTP/1.1\r\n")
            assert _cuts_off(sock, b"x-filler: " + b"a" * 1000 + b"\r\n", 4000)


def _cuts_off(sock: ssl.SSLSocket, line: bytes, times: int) -> bool:
    """Whether the other side ends the connection when it is fed ``times`` lines; a time-out where
    it neither does that nor reads on."""
    try:
        for _ in range(times):
            sock.sendall(line)
        while sock.recv(4096):
            pass
    except (ConnectionError, ssl.SSLError):
        return True
    return True

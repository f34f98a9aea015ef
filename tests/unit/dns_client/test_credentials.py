"""Client credentials, and the error messages for a server's refusal."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import dns.edns
import dns.message
import dns.name
import pytest
from dns.rdatatype import RdataType

from keyhole.dns_client.answer import Transport
from keyhole.dns_client.code_meanings import NOT_SERVED, extended_errors
from keyhole.dns_client.credentials import NO_CREDENTIALS, ClientCredentials
from keyhole.dns_client.error import DnsClientError
from keyhole.dns_client.exchange import Server, exchange, question
from keyhole.errors import KeyholeError
from tests.world.certificates import DAY, Authority, Pair

WEB = "spiffe://keyhole.test/ns/shop/sa/web"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("stranger"), "somebody else's root")


@contextmanager
def _strict(home: Authority, protocol: str = "dot") -> Iterator[int]:
    """A server that requires a certificate of ``home``, and closes the first connection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    pair = home.issue("127.0.0.1")
    context.load_cert_chain(pair.certificate, pair.key)
    context.load_verify_locations(home.root)
    context.verify_mode = ssl.CERT_REQUIRED
    context.set_alpn_protocols([protocol])

    def serve() -> None:
        plain, _ = listener.accept()
        try:
            with plain, context.wrap_socket(plain, server_side=True) as secured:
                secured.recv(1)
        except (ssl.SSLError, OSError):
            pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def _ask(
    port: int, credentials: ClientCredentials, ca: Path, transport: Transport = Transport.TLS
) -> None:
    message = question(dns.name.from_text("www.example.org"), RdataType.A, transport)
    exchange(Server("127.0.0.1", port, transport, ca=ca, credentials=credentials), message, 5)


def _shown(pair: Pair) -> ClientCredentials:
    return ClientCredentials(pair.certificate, pair.key)


@pytest.mark.parametrize("transport", [Transport.TLS, Transport.HTTPS])
@pytest.mark.parametrize(
    ("make", "why"),
    [
        (
            lambda home, other: NO_CREDENTIALS,
            "requires a client certificate: give --cert and --key",
        ),
        (lambda home, other: _shown(other.svid(WEB)), "trusts no authority that signed"),
        (lambda home, other: _shown(home.svid(WEB, ends=-DAY)), "has expired"),
        (lambda home, other: _shown(home.issue("a.example.org")), "not one for clients"),
    ],
    ids=["nothing", "another authority", "expired", "a server's certificate"],
)
def test_a_refused_certificate_is_told_in_plain_words(
    home: Authority,
    stranger: Authority,
    make: Callable[[Authority, Authority], ClientCredentials],
    why: str,
    transport: Transport,
) -> None:
    with (
        _strict(home, "dot" if transport is Transport.TLS else "h2") as port,
        pytest.raises(DnsClientError, match=why),
    ):
        _ask(port, make(home, stranger), home.root, transport)


def test_a_good_certificate_is_shown(home: Authority) -> None:
    with _strict(home) as port, pytest.raises(DnsClientError, match="closed the connection"):
        _ask(port, _shown(home.svid(WEB)), home.root)


def _swapped(pair: Pair) -> ClientCredentials:
    return ClientCredentials(pair.key, pair.certificate)


def _damaged(pair: Pair) -> ClientCredentials:
    pair.certificate.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    return ClientCredentials(pair.certificate, pair.key)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (
            lambda pair, _: ClientCredentials(pair.certificate.with_name("none.pem"), pair.key),
            "does not exist",
        ),
        (
            lambda pair, _: ClientCredentials(pair.certificate),
            "holds no key; give the key's file with --key",
        ),
        (lambda pair, other: ClientCredentials(pair.certificate, other.key), "does not belong to"),
        (lambda pair, _: _swapped(pair), "swapped files"),
        (lambda pair, _: _damaged(pair), "damaged"),
        (lambda pair, _: ClientCredentials(None, pair.key), "--key without --cert"),
    ],
    ids=["missing", "no key", "another key", "swapped", "damaged", "key alone"],
)
def test_files_that_cannot_be_used_are_told_before_anything_is_asked(
    home: Authority, make: Callable[[Pair, Pair], ClientCredentials], why: str
) -> None:
    shown = make(home.svid(WEB), home.svid(WEB))
    with pytest.raises(KeyholeError, match=why):
        _ask(1, shown, home.root)


def test_the_key_may_stand_in_the_file_of_the_certificate(home: Authority) -> None:
    pair = home.svid(WEB)
    pair.certificate.write_bytes(pair.certificate.read_bytes() + pair.key.read_bytes())
    with _strict(home) as port, pytest.raises(DnsClientError, match="closed the connection"):
        _ask(port, ClientCredentials(pair.certificate), home.root)


def test_who_we_are_is_the_spiffe_id(home: Authority) -> None:
    assert _shown(home.svid(WEB)).description() == WEB
    assert _shown(home.issue("a.example.org")).description() == "CN=a.example.org"
    assert NO_CREDENTIALS.description() is None


TOKEN = "abcdefghijklmnopqrstuvwxyz234567"


def test_a_token_is_a_segment_of_the_path_or_a_label_of_the_name() -> None:
    credentials = ClientCredentials(token=TOKEN)
    assert credentials.path("/dns-query") == f"/dns-query/{TOKEN}"
    name = "dns.example.org"
    assert credentials.server_name(name, Transport.TLS) == f"{TOKEN}.{name}"
    assert credentials.server_name(name, Transport.HTTPS) == name
    assert NO_CREDENTIALS.path("/dns-query") == "/dns-query"
    assert NO_CREDENTIALS.server_name(name, Transport.TLS) == name


@pytest.mark.parametrize(
    ("token", "transport", "name", "why"),
    [
        (TOKEN, Transport.UDP, "dns.example.org", "not udp"),
        (TOKEN, Transport.TLS, "192.0.2.1", "give the name with --name"),
        ("No Token", Transport.HTTPS, "192.0.2.1", "lower-case letters and digits"),
        ("a/b", Transport.HTTPS, "192.0.2.1", "lower-case letters and digits"),
    ],
)
def test_a_token_that_cannot_be_shown_is_told(
    token: str, transport: Transport, name: str, why: str
) -> None:
    with pytest.raises(DnsClientError, match=why):
        ClientCredentials(token=token).check(transport, name)


def test_a_token_is_never_shown_to_who_looks_over_the_shoulder() -> None:
    server = Server("192.0.2.1", 443, Transport.HTTPS, credentials=ClientCredentials(token=TOKEN))
    assert TOKEN not in str(server)


@pytest.mark.parametrize("word", sorted(NOT_SERVED))
def test_each_way_of_not_being_served_has_its_own_words(word: str) -> None:
    answer = dns.message.make_response(dns.message.make_query("www.example.org", "A"))
    answer.use_edns(0, options=[dns.edns.EDEOption(dns.edns.EDECode.PROHIBITED, word)])
    (error,) = extended_errors(answer)
    assert error["meaning"] == NOT_SERVED[word]

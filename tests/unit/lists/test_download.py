"""Downloads from hostile or broken list servers (U12 to U14)."""

import gzip
import socket
import zlib
from collections.abc import Iterator, Sequence
from ipaddress import ip_network
from pathlib import Path

import pytest

from keyhole.lists.download import AddressGuard, DownloadError, FetchResult, Limits, fetch
from tests.world.list_server import ListServer, redirect, send

_LOOPBACK = AddressGuard(allow=(ip_network("127.0.0.0/8"),))


@pytest.fixture
def server() -> Iterator[ListServer]:
    """A list server on loopback."""
    with ListServer() as one:
        yield one


def _get(
    url: str, folder: Path, guard: AddressGuard = _LOOPBACK, limits: Limits | None = None
) -> FetchResult:
    return fetch(url, folder / "list.txt", guard, limits=limits)


def _refused(
    url: str, folder: Path, guard: AddressGuard = _LOOPBACK, limits: Limits | None = None
) -> str:
    with pytest.raises(DownloadError) as raised:
        _get(url, folder, guard, limits)
    assert list(folder.iterdir()) == [], "nothing is left behind"
    return str(raised.value)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1"),
        *("169.254.169.254", "100.64.0.1", "168.63.129.16", "192.0.0.1", "192.0.2.1", "198.18.0.1"),
        *("198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
        *("::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1"),
        *("fec0::1", "2001:db8::1", "100::1", "2001::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1"),
        *("::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a00:1"),
        *("2002:7f00:1::", "2002:a00:1::1"),
    ],
)
def test_an_address_that_is_not_public_is_never_asked(address: str) -> None:
    assert AddressGuard().refusal(address, 80)


@pytest.mark.parametrize("address", ["9.9.9.9", "185.199.108.133", "2620:fe::fe"])
def test_a_public_address_is_asked(address: str) -> None:
    assert AddressGuard().refusal(address, 443) is None


def test_what_the_settings_allow_is_asked_but_never_keyhole_itself() -> None:
    guard = AddressGuard(allow=(ip_network("127.0.0.0/8"),), own=frozenset([("127.0.0.1", 8443)]))
    assert guard.refusal("127.0.0.1", 80) is None
    assert guard.refusal("127.0.0.1", 8443)
    assert guard.refusal("::ffff:127.0.0.1", 8443)


def test_a_list_comes_whole_with_what_tells_its_version(server: ListServer, tmp_path: Path) -> None:
    url = server.serve("ads.example.org\n", last_modified="Thu, 26 Nov 2026 10:00:00 GMT")
    fetched = _get(url, tmp_path)
    assert (tmp_path / "list.txt").read_text() == "ads.example.org\n"
    assert fetched.octets == 16
    assert fetched.modified == "Thu, 26 Nov 2026 10:00:00 GMT"
    assert fetched.etag


def test_a_list_that_did_not_change_does_not_come_again(server: ListServer, tmp_path: Path) -> None:
    url = server.serve("ads.example.org\n")
    first = _get(url, tmp_path)
    again = fetch(url, tmp_path / "list.txt", _LOOPBACK, etag=first.etag)
    assert again.sha256 is None
    assert (tmp_path / "list.txt").read_text() == "ads.example.org\n"


def test_a_compressed_list_is_taken_apart(server: ListServer, tmp_path: Path) -> None:
    text = "".join(f"host{number}.example.org\n" for number in range(50_000)).encode()
    url = server.serve(gzip.compress(text, mtime=0), content_encoding="gzip")
    assert _get(url, tmp_path).octets == len(text)
    assert (tmp_path / "list.txt").read_bytes() == text


def test_a_redirect_is_followed(server: ListServer, tmp_path: Path) -> None:
    server.answers["/old"] = redirect("/list.txt")
    server.serve("ads.example.org\n")
    _get(server.url("/old"), tmp_path)
    assert server.paths() == ["/old", "/list.txt"]


def test_loopback_is_not_asked_unless_the_settings_say_so(
    server: ListServer, tmp_path: Path
) -> None:
    url = server.serve("ads.example.org\n")
    assert "not a public address" in _refused(url, tmp_path, AddressGuard())
    assert server.asked == []


@pytest.mark.parametrize(
    "target",
    [
        *("http://169.254.169.254/latest/meta-data", "http://10.0.0.1/", "http://[::1]/"),
        *("http://0x7f000001/", "http://2130706433/", "http://localhost/"),
    ],
)
def test_a_redirect_into_the_own_network_is_refused(
    server: ListServer, tmp_path: Path, target: str
) -> None:
    server.answers["/list.txt"] = redirect(target)
    only_this = AddressGuard(own=frozenset(), allow=(ip_network("127.0.0.1/32"),), resolve=_resolve)
    why = _refused(server.url(), tmp_path, only_this)
    assert "not a public address" in why or "not a" in why
    assert server.paths() == ["/list.txt"]


def _resolve(host: str, port: int) -> Sequence[str]:
    """Resolves as the system does, but names of this machine to addresses that are refused."""
    if host in ("localhost", "0x7f000001", "2130706433"):
        return ["127.0.0.2"] if host == "localhost" else ["10.0.0.1"]
    return [host]


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://lists.example.org/", "gopher://x"])
def test_a_redirect_to_another_scheme_is_refused(
    server: ListServer, tmp_path: Path, target: str
) -> None:
    server.answers["/list.txt"] = redirect(target)
    assert "redirected to an invalid URL" in _refused(server.url(), tmp_path)


def test_endless_redirects_end(server: ListServer, tmp_path: Path) -> None:
    server.answers["/list.txt"] = redirect("/list.txt")
    assert "more than 5 redirects" in _refused(server.url(), tmp_path)


def test_a_name_cannot_lead_elsewhere_after_it_was_checked(
    server: ListServer, tmp_path: Path
) -> None:
    looked: list[str] = []

    def rebinding(host: str, _: int) -> Sequence[str]:
        # A public address first, then a private one.
        looked.append(host)
        return ["127.0.0.1"] if len(looked) == 1 else ["10.0.0.1"]

    guard = AddressGuard(allow=(ip_network("127.0.0.1/32"),), resolve=rebinding)
    server.serve("ads.example.org\n")
    _get(f"http://lists.example.org:{server.port}/list.txt", tmp_path, guard)
    assert looked == ["lists.example.org"]
    assert server.asked[0].headers["host"] == f"lists.example.org:{server.port}"


def test_a_name_with_one_private_address_among_others_is_refused(tmp_path: Path) -> None:
    guard = AddressGuard(resolve=lambda *_: ["9.9.9.9", "192.168.1.1"])
    assert "192.168.1.1" in _refused("http://lists.example.org/", tmp_path, guard)


def _bomb() -> bytes:
    stream = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    zeros = b"a\n" * 500_000
    return b"".join(stream.compress(zeros) for _ in range(100)) + stream.flush()


def test_a_bomb_is_not_unpacked(server: ListServer, tmp_path: Path) -> None:
    url = server.serve(_bomb(), content_encoding="gzip")
    assert "far too large after decompression" in _refused(url, tmp_path)


@pytest.mark.parametrize(
    ("body", "headers", "why"),
    [
        (b"", {}, "it is empty"),
        (b" \n\n", {}, "it is empty"),
        (b"<!DOCTYPE html><title>Log in</title>", {}, "a web page"),
        (b"\xef\xbb\xbf\n <HTML>", {}, "a web page"),
        (b"ads.example.org\n", {"content_type": "text/html"}, "a web page"),
        (b"ads\0.example.org\n", {}, "it is not text"),
        (b"x" * (2**20 + 1), {}, "longer than 1MiB"),
        (b"plain\n", {"content_encoding": "gzip"}, "is not gzip"),
        (b"plain\n", {"content_encoding": "br"}, "content encoding is br, which was not requested"),
        (
            gzip.compress(b"ads.example.org\n" * 99, mtime=0)[:-9],
            {"content_encoding": "gzip"},
            "cut off",
        ),
        (b"a.example.org\n" * 200_000, {}, "it is larger than 1536KiB"),
        (b"short\n", {"content_length": "100"}, "the connection failed"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_what_is_no_list_is_refused(
    server: ListServer, tmp_path: Path, body: bytes, headers: dict[str, str], why: str
) -> None:
    url = server.serve(body, **headers)
    assert why in _refused(url, tmp_path, limits=Limits(octets=3 * 2**19))


def test_a_server_that_drips_is_left_in_time(server: ListServer, tmp_path: Path) -> None:
    def drip(client: socket.socket) -> None:
        client.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n")
        while not server.ended.wait(0.01):
            client.sendall(b"a")

    server.answers["/list.txt"] = drip
    why = _refused(server.url(), tmp_path, limits=Limits(seconds=0.2))
    assert "took longer than 0.2 seconds" in why


def test_an_endless_list_ends_at_its_limit(server: ListServer, tmp_path: Path) -> None:
    def endless(client: socket.socket) -> None:
        client.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n")
        while not server.ended.is_set():
            client.sendall(b"ads.example.org\n" * 4096)

    server.answers["/list.txt"] = endless
    assert "larger than 1MiB" in _refused(server.url(), tmp_path, limits=Limits(octets=2**20))


@pytest.mark.parametrize("status", ["404 Not Found", "500 Oops", "204 No Content", "206 Partial"])
def test_another_status_is_a_failure(server: ListServer, tmp_path: Path, status: str) -> None:
    server.answers["/list.txt"] = lambda client: send(client, b"ads.example.org\n", status=status)
    why = _refused(server.url(), tmp_path)
    assert f"HTTP {status[:3]}" in why


def test_what_was_there_stays_when_the_new_one_is_refused(
    server: ListServer, tmp_path: Path
) -> None:
    (tmp_path / "list.txt").write_text("before.example.org\n")
    url = server.serve("<html>")
    with pytest.raises(DownloadError):
        _get(url, tmp_path)
    assert (tmp_path / "list.txt").read_text() == "before.example.org\n"
    assert [path.name for path in tmp_path.iterdir()] == ["list.txt"]


def test_the_settings_of_a_proxy_are_not_obeyed(
    server: ListServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    _get(server.serve("ads.example.org\n"), tmp_path)
    assert server.paths() == ["/list.txt"]

"""Programs that carry data over DNS get no more than the budget through Keyhole, in or out."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.world.certificates import Authority
from tests.world.own_network import own_network
from tests.world.process import Program
from tests.world.resolver import Resolver, document
from tests.world.tools import find, needs, needs_root
from tests.world.udp_relay import UdpRelay

pytestmark = [
    needs_root,
    needs("ip"),
    pytest.mark.skipif(not Path("/dev/net/tun").exists(), reason="there is no /dev/net/tun"),
]
_BUDGET = 4_096
_DOMAIN = "evil.example"
_AUTHORITY = ("127.0.0.2", 53)
_LOCAL = 2222


@pytest.fixture
def network() -> Iterator[None]:
    with own_network():
        yield


def _run(stack: ExitStack, folder: Path, name: str, *words: str) -> Program:
    """Runs a program until the stack ends."""
    program = Program([find(name), *words], folder / f"{name}.log")
    stack.callback(program.stop)
    return program


def _start(stack: ExitStack, folder: Path, authority: Authority, relay: UdpRelay) -> Resolver:
    """A Keyhole at the port of DNS, whose upstream is the authority of the tunnel."""
    resolver = Resolver(folder / "keyhole", authority)
    resolver.configure(listen={**resolver.listen(), "udp": ["127.0.0.1:53"]})
    address = f"127.0.0.1:{relay.port}"
    upstream = document("Upstream", "test", protocol="tcp", insecure="mesh", addresses=[address])
    resolver.write(upstream, document("Policy", "home", default="allow", tunneling="enforce"))
    # Not by the server that forks: it may be in another network.
    log = folder / "keyhole.log"
    resolver.run(Program.keyhole("up", "--data", str(resolver.folder), log=log))
    stack.callback(resolver.stop)
    return resolver.start()


def _check_within_budget(relay: UdpRelay) -> None:
    """Compares what went by with the budget."""
    rests = [name.removesuffix(f".{_DOMAIN}") for name in relay.names if name.endswith(_DOMAIN)]
    told, answers = sum(map(len, rests)), [*relay.answers]
    assert rests
    assert told <= _BUDGET
    # The answer that uses the budget up has come as far as Keyhole, and no further.
    assert sum(answers) - max(answers, default=0) <= _BUDGET


@needs("iodine")
@needs("iodined")
def test_iodine_gets_no_more_than_the_budget_through(
    network: None, tmp_path: Path, authority: Authority
) -> None:
    host, port = _AUTHORITY
    zone = f"t.{_DOMAIN}"
    secret = ("-f", "-P", "secret")
    serve = ["iodined", *secret, "-c", "-l", host, "-p", str(port), "10.53.0.1/24", zone]
    with ExitStack() as stack:
        relay = stack.enter_context(UdpRelay(_AUTHORITY))
        resolver = _start(stack, tmp_path, authority, relay)
        _run(stack, tmp_path, *serve)
        _run(stack, tmp_path, "iodine", *secret, "-r", "127.0.0.1", zone)

        def refused() -> bool:
            found = resolver.api("GET", "/findings").json()["items"]
            return any(one["domain"] == _DOMAIN and one["refused"] for one in found)

        resolver.wait_for(refused, "queries of the tunnel are refused")
        _check_within_budget(relay)


@needs("dns2tcpc")
@needs("dns2tcpd")
def test_dns2tcp_gets_no_session_since_names_leave_in_lower_case(
    network: None, tmp_path: Path, authority: Authority
) -> None:
    host, port = _AUTHORITY
    zone = f"t.{_DOMAIN}"
    with ExitStack() as stack:
        sink = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        sink.setblocking(False)
        settings = tmp_path / "dns2tcpd.conf"
        settings.write_text(
            f"listen = {host}\nport = {port}\nuser = root\nchroot = {tmp_path}\n"
            f"domain = {zone}\nkey = secret\nresources = sink:127.0.0.1:{sink.getsockname()[1]}\n"
        )
        relay = stack.enter_context(UdpRelay(_AUTHORITY))
        resolver = _start(stack, tmp_path, authority, relay)
        _run(stack, tmp_path, "dns2tcpd", "-F", "-f", str(settings))
        words = ("-z", zone, "-k", "secret", "-r", "sink", "-l", str(_LOCAL), "127.0.0.1")
        client = _run(stack, tmp_path, "dns2tcpc", *words)
        # It begins when somebody connects.
        resolver.wait_for(lambda: "Listening" in client.output, "the client listens")
        stack.enter_context(socket.create_connection(("127.0.0.1", _LOCAL)))
        resolver.wait_for(lambda: "authentication failed" in client.output.lower(), "it gives up")
        _check_within_budget(relay)
        with pytest.raises(BlockingIOError):
            sink.accept()

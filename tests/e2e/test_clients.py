"""Other people's clients get right answers, each over the transports it knows."""

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.world.ask import TRANSPORTS, Transport
from tests.world.ports import free_port
from tests.world.process import Program
from tests.world.resolver import Resolver
from tests.world.tools import needs, run
from tests.world.upstream import ADDRESS
from tests.world.waiting import until


@needs("dig")
@pytest.mark.parametrize("option", ["+notcp", "+tcp"])
def test_dig_gets_the_answer_over_udp_and_tcp(shared_resolver: Resolver, option: str) -> None:
    server = shared_resolver.server
    found = run("dig", "@127.0.0.1", "-p", str(server.udp if option == "+notcp" else server.tcp),
                option, "+short", "dig.example.org", "A")  # fmt: skip
    assert found.stdout.split() == [ADDRESS], found


@needs("kdig")
def test_kdig_gets_the_answer_over_udp(shared_resolver: Resolver) -> None:
    port = str(shared_resolver.server.udp)
    found = run("kdig", "@127.0.0.1", "-p", port, "+short", "kdig.example.org")
    assert found.stdout.split() == [ADDRESS], found


@needs("kdig")
@pytest.mark.parametrize("transport", ["+tls", "+https"])
def test_kdig_checks_our_certificate_and_gets_the_answer(
    shared_resolver: Resolver, transport: str
) -> None:
    server = shared_resolver.server
    port = server.dot if transport == "+tls" else server.doh
    found = run("kdig", "-d", "@127.0.0.1", "-p", str(port), transport, f"+tls-ca={server.ca}",
                "+tls-hostname=resolver.example.org", "kdig-tls.example.org")  # fmt: skip
    assert ADDRESS in found.stdout, found
    assert "The certificate is trusted" in found.stdout + found.stderr


@needs("kdig")
def test_kdig_refuses_us_under_a_name_that_is_not_ours(shared_resolver: Resolver) -> None:
    server = shared_resolver.server
    found = run("kdig", "@127.0.0.1", "-p", str(server.dot), "+tls", f"+tls-ca={server.ca}",
                "+tls-hostname=somebody.example.com", "+retry=0", "kdig.example.org")  # fmt: skip
    assert ADDRESS not in found.stdout


@pytest.fixture
def web_server() -> Iterator[int]:
    """A web server on 127.0.0.1, where web.example.org leads."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"the page of web.example.org\n")

        def log_message(self, *_arguments: object) -> None:
            """Says nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_address[1]
        server.shutdown()


@needs("curl")
def test_curl_finds_a_web_server_by_doh(shared_resolver: Resolver, web_server: int) -> None:
    server = shared_resolver.server
    found = run("curl", "--silent", "--show-error", "--noproxy", "*", "--doh-url", server.url,
                "--cacert", str(server.ca), f"http://web.example.org:{web_server}/")  # fmt: skip
    assert found.stdout == "the page of web.example.org\n", found


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_dnspython_gets_the_answer_on_every_transport(
    shared_resolver: Resolver, transport: Transport
) -> None:
    reply = shared_resolver.server.ask("dnspython.example.org", transport=transport)
    assert (reply.rcode, reply.addresses) == ("NOERROR", [ADDRESS])


@needs("unbound")
def test_unbound_resolves_through_us_as_its_dot_upstream(
    shared_resolver: Resolver, tmp_path: Path
) -> None:
    server, port = shared_resolver.server, free_port()
    config = tmp_path / "unbound.conf"
    config.write_text(f"""
server:
  interface: 127.0.0.1@{port}
  do-not-query-localhost: no
  module-config: "iterator"
  tls-cert-bundle: "{server.ca}"
  chroot: ""
  username: ""
  directory: "{tmp_path}"
  pidfile: ""
  use-syslog: no
  do-ip6: no
remote-control:
  control-enable: no
forward-zone:
  name: "."
  forward-tls-upstream: yes
  forward-addr: 127.0.0.1@{server.dot}#resolver.example.org
""")
    unbound = Program(["/usr/sbin/unbound", "-d", "-c", str(config)], tmp_path / "unbound.log")
    try:

        def answered() -> list[str]:
            unbound.must_run()
            found = run("dig", "@127.0.0.1", "-p", str(port), "+short", "+time=5", "+tries=1",
                        "unbound.example.org", "A")  # fmt: skip
            return [line for line in found.stdout.splitlines() if not line.startswith(";")]

        assert until(answered, "unbound answers") == [ADDRESS], unbound.output
        blocked = run("dig", "@127.0.0.1", "-p", str(port), "blocked.example.org")
        assert "NXDOMAIN" in blocked.stdout
    finally:
        unbound.stop()

"""Other people's clients say who they are: by certificate where they can, else by token."""

from pathlib import Path

import dns.message
import pytest

from tests.e2e.identity.street import Street
from tests.world.callers import Caller
from tests.world.ports import free_port
from tests.world.process import Program
from tests.world.tools import find, needs, run
from tests.world.upstream import ADDRESS
from tests.world.waiting import until

NAME = "www.example.org"
_NOT_RESOLVED = 6
"""The exit code of curl that found no address."""


def _kdig(street: Street, transport: str, caller: Caller) -> str:
    server, pair = street.server, caller.certificate
    port = server.dot if transport == "+tls" else server.doh
    shown = [f"+tls-certfile={pair.certificate}", f"+tls-keyfile={pair.key}"] if pair else []
    found = run("kdig", "@127.0.0.1", "-p", str(port), transport, f"+tls-ca={server.ca}",
                f"+tls-hostname={street.server.domain}", *shown, "+retry=0", "+timeout=30",
                NAME)  # fmt: skip
    return found.stdout + found.stderr


@needs("kdig")
@pytest.mark.parametrize("transport", ["+tls", "+https"])
def test_kdig_is_known_by_its_certificate(street: Street, transport: str) -> None:
    assert ADDRESS in _kdig(street, transport, street.web)
    denied = _kdig(street, transport, street.payments)
    assert "denied_by_default" in denied
    assert ADDRESS not in denied
    assert "no_identity" in _kdig(street, transport, Caller())


@needs("curl")
def test_curl_is_known_by_its_certificate(street: Street, tmp_path: Path) -> None:
    question = tmp_path / "question"
    question.write_bytes(dns.message.make_query(NAME, "A", use_edns=0).to_wire())

    def post(caller: Caller) -> dns.message.Message:
        pair, answer = caller.certificate, tmp_path / "answer"
        shown = ["--cert", str(pair.certificate), "--key", str(pair.key)] if pair else []
        sent = run("curl", "--silent", "--show-error", "--fail", "--noproxy", "*",
                   "--cacert", str(street.server.ca), *shown, "--data-binary", f"@{question}",
                   "--header", "content-type: application/dns-message",
                   "--output", str(answer), street.server.url)  # fmt: skip
        assert sent.returncode == 0, sent
        return dns.message.from_wire(answer.read_bytes())

    assert ADDRESS in post(street.web).to_text()
    assert "denied_by_default" in post(street.payments).to_text()
    assert "no_identity" in post(Caller()).to_text()


@needs("curl")
def test_curl_finds_addresses_by_the_token_in_its_doh_url(street: Street, tmp_path: Path) -> None:
    # To a DoH server, curl shows no certificate: --cert is for the site that is asked for.
    def resolving(url: str) -> Program:
        return Program([find("curl"), "--silent", "--verbose", "--noproxy", "*",
                        "--cacert", str(street.server.ca), "--doh-url", url,
                        "http://www.example.org:9/"], tmp_path / "curl.log")  # fmt: skip

    # The address leads nowhere, but curl has it, and would wait there.
    known = resolving(f"{street.server.url}/{street.tv.token}")
    try:
        until(lambda: ADDRESS in known.output, "curl has the address")
    finally:
        known.stop()
    for url in (street.server.url, f"{street.server.url}/{'a' * 32}"):
        unknown = resolving(url)
        assert unknown.wait() == _NOT_RESOLVED, unknown.output
        assert ADDRESS not in unknown.output


def _verdicts(port: int, program: Program) -> tuple[str, str]:
    """What dig hears of a stub resolver for an allowed and for a blocked name."""

    def answered() -> str | None:
        program.must_run()
        found = run("dig", "@127.0.0.1", "-p", str(port), "+time=30", "+tries=1", NAME)
        return found.stdout if "status:" in found.stdout else None

    allowed = until(answered, "it answers")
    blocked = run("dig", "@127.0.0.1", "-p", str(port), "blocked.example.org")
    return allowed, blocked.stdout


# Neither of the two can show a certificate (unbound 1.17, stubby 1.6): a token stands before the
# name of the server, which both check against its certificate.


def _unbound(street: Street, folder: Path, name: str) -> tuple[Program, int]:
    port = free_port()
    config = folder / "unbound.conf"
    config.write_text(f"""
server:
  interface: 127.0.0.1@{port}
  do-not-query-localhost: no
  module-config: "iterator"
  tls-cert-bundle: "{street.server.ca}"
  chroot: ""
  username: ""
  directory: "{folder}"
  pidfile: ""
  use-syslog: no
  do-ip6: no
remote-control:
  control-enable: no
forward-zone:
  name: "."
  forward-tls-upstream: yes
  forward-addr: 127.0.0.1@{street.server.dot}#{name}
""")
    return Program([find("unbound"), "-d", "-c", str(config)], folder / "unbound.log"), port


def _stubby(street: Street, folder: Path, name: str) -> tuple[Program, int]:
    port = free_port()
    config = folder / "stubby.yml"
    config.write_text(f"""
resolution_type: GETDNS_RESOLUTION_STUB
dns_transport_list:
  - GETDNS_TRANSPORT_TLS
tls_authentication: GETDNS_AUTHENTICATION_REQUIRED
tls_ca_file: "{street.server.ca}"
idle_timeout: 10000
listen_addresses:
  - 127.0.0.1@{port}
upstream_recursive_servers:
  - address_data: 127.0.0.1
    tls_port: {street.server.dot}
    tls_auth_name: "{name}"
""")
    return Program([find("stubby"), "-C", str(config)], folder / "stubby.log"), port


@pytest.mark.parametrize("start", [
    pytest.param(_unbound, id="unbound", marks=needs("unbound")),
    pytest.param(_stubby, id="stubby", marks=needs("stubby")),
])  # fmt: skip
def test_a_stub_resolver_is_known_by_a_token(street: Street, tmp_path: Path, start: object) -> None:
    assert callable(start)
    program, port = start(street, tmp_path, f"{street.tv.token}.{street.server.domain}")
    try:
        allowed, blocked = _verdicts(port, program)
    finally:
        program.stop()
    assert ADDRESS in allowed, program.output
    assert "NXDOMAIN" in blocked, program.output


@needs("unbound")
def test_a_stub_resolver_without_a_token_gets_nothing(street: Street, tmp_path: Path) -> None:
    program, port = _unbound(street, tmp_path, street.server.domain)
    try:
        allowed, _ = _verdicts(port, program)
    finally:
        program.stop()
    assert ADDRESS not in allowed

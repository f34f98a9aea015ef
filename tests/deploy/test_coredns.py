"""A real CoreDNS, where it was built, reads our snippets and asks Keyhole as they say."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.world.certificates import CLIENT, Authority, Form, Pair
from tests.world.ports import free_port
from tests.world.process import Program, call_keyhole
from tests.world.resolver import Resolver
from tests.world.tools import needs, run
from tests.world.upstream import ADDRESS
from tests.world.waiting import until
from tools.chart import ROOT
from tools.coredns import binary, find

pytestmark = [
    needs("dig"),
    pytest.mark.skipif(
        find() is None, reason=f"CoreDNS is not in {binary().parent}; ./dev test-tools builds it"
    ),
]
SETTINGS = {
    "authentication": {"dot": "strict"},
    "client_certificates": {"dot": "require"},
}
SNIPPETS = sorted((ROOT / "deploy" / "coredns").glob("*.corefile"))
# It needs a cluster.
_KUBERNETES = re.compile(r"(?m)^ *kubernetes [^{]*\{[^}]*\}\n")
NAME = "www.canary.example.org"


def _corefile(snippet: Path, port: int, resolver: Resolver, pair: Pair) -> str:
    server = resolver.server
    text = _KUBERNETES.sub("", snippet.read_text())
    for before, after in (
        ("tls://10.96.0.53:853", f"tls://127.0.0.1:{server.dot}"),
        ("10.96.0.53:5300", f"127.0.0.1:{server.tcp}"),
        ("keyhole-dot", "resolver.example.org"),
        ("/etc/coredns/keyhole/tls.crt", str(pair.certificate)),
        ("/etc/coredns/keyhole/tls.key", str(pair.key)),
        ("/etc/coredns/keyhole/ca.crt", str(server.ca)),
        ("bind __PILLAR__LOCAL__DNS__ __PILLAR__DNS__SERVER__", "bind 127.0.0.1"),
        (":53 {", f":{port} {{"),
        ("lameduck 5s", "lameduck 0s"),
        ("health {", f"health 127.0.0.1:{free_port()} {{"),
        ("    ready\n", f"    ready 127.0.0.1:{free_port()}\n"),
    ):
        text = text.replace(before, after)
    return re.sub(r"prometheus :\d+", lambda _: f"prometheus 127.0.0.1:{free_port()}", text)


@contextmanager
def _core_dns(folder: Path, snippet: Path, resolver: Resolver, pair: Pair) -> Iterator[int]:
    port = free_port()
    file = folder / "Corefile"
    file.write_text(_corefile(snippet, port, resolver, pair))
    program = Program([str(binary()), "-conf", str(file)], folder / "coredns.log")

    def listens() -> bool:
        program.must_run()
        return f":{port}" in program.output

    try:
        until(listens, "CoreDNS serves")
        yield port
    finally:
        program.stop()


def _ask(port: int) -> str:
    words = ("+tries=1", "+time=30", "@127.0.0.1", "-p", str(port), NAME)
    return run("dig", *words).stdout


@pytest.fixture
def enrolled(reset_resolver: Resolver, tmp_path: Path) -> Pair:
    """A certificate of Keyhole's own authority for CoreDNS."""
    out = tmp_path / "svid"
    data = str(reset_resolver.folder)
    words = ("identity", "issue", "kube-system/coredns", "--out", str(out), "--data", data)
    assert call_keyhole(*words).returncode == 0
    return Pair(out / "svid.pem", out / "svid-key.pem")


@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda one: one.stem)
def test_core_dns_takes_the_snippet_and_is_answered_by_keyhole(
    snippet: Path, reset_resolver: Resolver, enrolled: Pair, tmp_path: Path
) -> None:
    # The queries come over UDP. Keyhole listens there at another port.
    with _core_dns(tmp_path, snippet, reset_resolver, enrolled) as port:
        until(lambda: ADDRESS in _ask(port), "the answer of Keyhole")


def test_core_dns_with_a_certificate_of_somebody_else_is_not_answered(
    reset_resolver: Resolver, tmp_path: Path
) -> None:
    stranger = Authority(tmp_path, "somebody else")
    form = Form(uris=("spiffe://keyhole.internal/ns/kube-system/sa/coredns",), purposes=(CLIENT,))
    (snippet,) = [one for one in SNIPPETS if one.stem == "tls"]
    with _core_dns(tmp_path, snippet, reset_resolver, stranger.make(form)) as port:
        assert "SERVFAIL" in _ask(port)

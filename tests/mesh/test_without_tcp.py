"""With ``forwarder.transport=http2`` resolvers ask the forwarder over HTTP/2, through sidecars that
say who asks. The last tests of the mesh: the forwarder takes nothing else then, and control, which
is another pod then, says its first password no more."""

import re
from collections.abc import Iterator
from contextlib import ExitStack

import dns.message
import httpx2
import pytest

from tests.world.network import Host
from tests.world.otlp import OtlpReceiver, Span
from tests.world.real_mesh import RESOLVER, Mesh, needs_mesh
from tests.world.upstream import ADDRESS
from tests.world.waiting import until

pytestmark = [needs_mesh, pytest.mark.timeout(1800)]
_FORWARDER = "10.96.0.54"
_PORT = 8053
_MINE = "spiffe://cluster.local/ns/keyhole/sa/keyhole-resolver"
_REQUESTS = re.compile(r"(?m)^inbound\|8053\|\|::.*::rq_total::(\d+)$")
_OTLP = 4318
_PARTS = ("keyhole-forwarder", "keyhole-resolver")
_VALUES = {
    "resolver.doh.enabled": "true",
    "forwarder.transport": "http2",
    "telemetry.otlp.endpoint": f"http://127.0.0.1:{_OTLP}",
    "telemetry.otlp.share": "100%",
}
"""A collector in each pod takes the traces."""
Receivers = dict[str, list[OtlpReceiver]]


@pytest.fixture(scope="module")
def receivers(two_forwarders: Mesh) -> Iterator[Receivers]:
    """The mesh upgraded to HTTP/2; what takes the traces of each part."""
    mesh = two_forwarders
    mesh.upgrade(_VALUES)
    mesh["keyhole-control-0"].stop()
    mesh.restart("keyhole-control", 0)
    found: Receivers = {part: [] for part in _PARTS}
    with ExitStack() as stack:
        for part in _PARTS:
            for number in (0, 1):
                mesh[f"{part}-{number}"].stop()
                mesh.restart(part, number)
                with mesh[f"{part}-{number}"].host.inside():
                    found[part].append(stack.enter_context(OtlpReceiver(_OTLP)))
        yield found


def test_the_forwarder_knows_which_account_asks_it_and_the_trace_goes_on_there(
    mesh: Mesh, receivers: Receivers
) -> None:
    line, name = f"dig @{RESOLVER} +tcp +short", "over-http2.example.org"
    first = f"{line} first.example.org"
    until(lambda: mesh.in_pod("netshoot", first) == ADDRESS, "the resolvers ask over HTTP/2")
    assert mesh.in_pod("netshoot", f"{line} +tries=1 +time=20 {name}") == ADDRESS
    assert sum(_requests(mesh, number) for number in (0, 1)) > 0
    (here,) = _spans(receivers["keyhole-resolver"], name)
    (there,) = _spans(receivers["keyhole-forwarder"], name)
    assert there.attributes["keyhole.client.identity"] == _MINE
    # It believes the trace of this account alone.
    assert there.trace == here.trace
    exchanges = [
        span
        for receiver in receivers["keyhole-resolver"]
        for span in receiver.spans()
        if span.id == there.parent
    ]
    assert [span.attributes["keyhole.upstream"] for span in exchanges] == ["forwarder"]


@pytest.mark.usefixtures("receivers")
def test_nobody_else_is_answered_over_http_not_even_in_the_pod_of_the_forwarder(
    mesh: Mesh,
) -> None:
    # The mesh refuses who is not a resolver, whatever that one claims.
    refused = _post(mesh["netshoot"].host, f"http://{_FORWARDER}:{_PORT}", _MINE)
    assert refused.status_code == httpx2.codes.FORBIDDEN
    # Keyhole refuses of whom the mesh says nothing, and who is none of its two accounts.
    pod = mesh["keyhole-forwarder-0"]
    for claim in ("", "spiffe://cluster.local/ns/shop/sa/web"):
        assert not _is_answered(_post(pod.host, f"http://127.0.0.1:{_PORT}", claim))
    # What nobody but the sidecar may say there is what it goes by.
    said = _post(pod.host, f"http://127.0.0.1:{_PORT}", _MINE, "first.example.org")
    assert _is_answered(said)
    outsider = mesh.network.add("outsider-http")
    with pytest.raises(httpx2.TransportError):
        _post(outsider, f"http://{pod.address}:{_PORT}", _MINE)
    assert mesh.upstream.times_asked("stolen.example.org") == 0


def _requests(mesh: Mesh, number: int) -> int:
    host = mesh[f"keyhole-forwarder-{number}"].host
    told = host.call("curl", "-s", "http://127.0.0.1:15000/clusters")
    return sum(int(count) for count in _REQUESTS.findall(told))


def _spans(receivers: list[OtlpReceiver], name: str) -> list[Span]:
    """The spans of queries for a name."""

    def look() -> list[Span]:
        return [one for each in receivers for one in each.queries(dns_question_name=name)]

    return until(look, f"there is a trace of {name}")


def _post(host: Host, url: str, claim: str, name: str = "stolen.example.org") -> httpx2.Response:
    """The response to a query of somebody who claims to have an identity."""
    query = dns.message.make_query(name, "A", id=0)
    headers = {"content-type": "application/dns-message"}
    if claim:
        headers["x-forwarded-client-cert"] = f"URI={claim}"
    with host.inside():
        return httpx2.post(
            f"{url}/dns-query", content=query.to_wire(), headers=headers, trust_env=False
        )


def _is_answered(response: httpx2.Response) -> bool:
    return response.is_success and bool(dns.message.from_wire(response.content).answer)

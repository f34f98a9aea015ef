"""The rendered pods really start and answer: their commands run with the files that they mount."""

import json
import socket
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import dns.message
import dns.rcode
import pytest
import yaml

from keyhole.mesh.render import MODES
from tests.deploy.pod_world import World, ask, manifest, status
from tests.deploy.rendered import CASES, WATCHING, needs_helm, objects_of
from tests.world import mesh, raw
from tests.world.api import PASSWORD, browser
from tests.world.ask import Server
from tests.world.certificates import CLIENT, Authority, Form, Pair
from tests.world.envoy import needs_envoy, sidecar
from tests.world.pods import Cluster, Pod
from tests.world.ports import free_port
from tests.world.process import call_keyhole
from tests.world.tools import needs, run
from tests.world.upstream import ADDRESS, Upstream
from tests.world.waiting import until

READY, NETSHOOT = "ready.keyhole.internal", "spiffe://cluster.local/ns/client/sa/netshoot"


@pytest.fixture(scope="module", params=["sidecar", "plain"])
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, authority: Authority
) -> Iterator[World]:
    """The pods of one mode. Those of ambient differ in limits alone."""
    pair = authority.issue("upstream.example.org", "127.0.0.1")
    folder = tmp_path_factory.mktemp(request.param)
    with Upstream(pair, protocol="doh") as upstream:
        made = World(request.param, folder, upstream, authority.root)
        try:
            yield made.start()
        finally:
            made.stop()


def test_the_pods_of_ambient_get_the_settings_of_the_sidecar() -> None:
    def settings(mode: str) -> dict[tuple[str, str], Any]:
        maps = [one for one in manifest(mode) if one["kind"] == "ConfigMap"]
        texts = {
            (one["metadata"]["name"], name): list(yaml.safe_load_all(text))
            for one in maps
            for name, text in one["data"].items()
        }
        # Only a sidecar hides the addresses of clients.
        texts["keyhole-resolver-settings", "keyhole.yaml"][0].pop("limits", None)
        return texts

    assert settings("ambient") == settings("sidecar")


def _is_served(pod: Pod, path: str) -> bool:
    return status(pod, 9153, path) == 200


@pytest.fixture(scope="module")
def first(world: World) -> Pod:
    """The first resolver, which runs; its world ends it."""
    return world.resolver(0).start()


@needs("dig")
def test_a_resolver_joins_and_answers_by_the_documents_of_control(world: World, first: Pod) -> None:
    resolver = first
    world.wait_for(resolver, READY, "192.0.2.53")
    # Over the forwarder, from the upstream beyond it.
    world.wait_for(resolver, "www.example.org", ADDRESS)
    world.wait_for_ready(resolver, 9153)
    for path in ("livez", "metrics"):
        until(partial(_is_served, resolver, path), f"{path} answers")
    # The whole pod is replaced; the volume stays, and its token was used before.
    resolver.stop()
    resolver.start()
    world.wait_for(resolver, READY, "192.0.2.53")
    # A new document in the config map is in force without a restart.
    world.control.edit("documents", "Record", {"a": ["192.0.2.77"]})
    world.wait_for(resolver, READY, "192.0.2.77")
    # Control is replaced too; meanwhile resolvers go on.
    world.control.stop()
    assert ask(resolver, READY) == "192.0.2.77"
    world.control.start()
    world.control.edit("documents", "Record", {"a": ["192.0.2.78"]})
    world.wait_for(resolver, READY, "192.0.2.78")
    assert set(resolver.programs) == {"resolver", "renew"}
    resolver.must_run()


def test_the_first_person_opens_the_page_through_a_forwarded_port(world: World) -> None:
    control = world.control
    world.wait_for_ready(control, 9154)
    environment = control.environment(control.spec["containers"][0])
    made = call_keyhole("people", "link", "admin", "--json", **environment)
    assert made.returncode == 0, made.stderr
    url, _, secret = json.loads(made.stdout)["url"].partition("/#link=")
    # What kubectl forwards is the loopback of the pod.
    assert url == f"http://127.0.0.1:{control.port(8081)}"
    with browser(url) as one:
        assert one.ask("POST", "/session/link", json={"secret": secret}).status_code == 200
        assert one.ask("PUT", "/session/password", json={"new": PASSWORD}).status_code == 200
    # Once the port for the gateway is open too, links still lead to the forwarded one.
    again = call_keyhole("people", "link", "admin", "--json", **environment)
    assert json.loads(again.stdout)["url"].startswith(f"{url}/"), again.stderr


def _job(world: World, mode: str) -> Pod:
    """The pod of keyhole verify, with the Secrets that its CronJob names."""
    (cron_job,) = [one for one in objects_of(mode, "verify") if one["kind"] == "CronJob"]
    job = world.cluster.job(cron_job, mode)
    root = world.control.data / "identity" / "root.pem"
    job.mount("ca", {"ca.crt": root.read_text() + world.ca.read_text()})
    environment = world.control.environment(world.control.spec["containers"][0])
    words = ("api-token", "create", f"verify-{mode}", "--role", "operator", "--json")
    made = call_keyhole(*words, **environment)
    assert made.returncode == 0, made.stderr
    job.mount("report", {"token": json.loads(made.stdout)["secret"]})
    return job


def _open_the_page(world: World) -> None:
    """Chooses a password, without which no gateway gets to the page."""
    environment = world.control.environment(world.control.spec["containers"][0])
    # It may be there already, by another test.
    call_keyhole("people", "add", "opener", "--role", "administrator", **environment)
    given = f"{PASSWORD}\n"
    made = call_keyhole("people", "password", "opener", given=given, **environment)
    assert made.returncode == 0, made.stderr
    until(lambda: _speaks(world.control.port(8080)), "the page is open")


def _speaks(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 5):
        return True
    return False


def _proof(world: World) -> dict[str, str]:
    """What the page Proof shows of the job: the verdict of each check."""
    environment = world.control.environment(world.control.spec["containers"][0])
    shown = json.loads(call_keyhole("proof", "--json", **environment).stdout)
    (report,) = shown["reports"]
    return {line["id"]: line["verdict"] for line in report["lines"]}


_PAGE = ("bypass-transport", "admin-sign-in", "admin-host", "admin-shapes", "admin-upgrade")
_ONLY_THE_PAGE = tuple(word for one in _PAGE for word in ("--only", one))


@needs_helm
def test_the_job_of_keyhole_verify_is_green_and_fails_when_a_promise_is_broken(
    world: World, first: Pod
) -> None:
    world.wait_for(first, READY, ask(first, READY) or "192.0.2.53")
    world.wait_for_ready(world.control, 9154)
    _open_the_page(world)
    # Without a mesh on this machine, ambient's pod stands as it does behind ztunnel.
    job = _job(world, "ambient" if world.mode == "sidecar" else "plain")
    # No listener for DNS over TLS is in these settings.
    (container,) = job.spec["containers"]
    dot = ("--dot=853", "--name=keyhole-dot", "--strict")
    container = {**container, "args": [one for one in container["args"] if one not in dot]}
    job.spec = {**job.spec, "containers": [container]}
    ports = {"--tcp=5300": first.port(5300)}
    broken = job.run(ports, "--only", "bypass-transport", "--only", "admin-sign-in")
    assert broken.returncode == 1, broken.stdout + broken.stderr
    assert "ads.example.net" in broken.stdout
    assert _proof(world) == {"bypass-transport": "fail", "admin-sign-in": "pass"}
    rule = {"block": ["ads.example.net", "*.ads.example.net"]}
    world.control.edit("documents", "Policy", {"rules": [rule]})
    until(lambda: "NXDOMAIN" in _rcode(first, "ads.example.net"), "it is blocked")
    # What differs between the modes is the way to the page.
    held = job.run(ports, *(() if world.mode == "plain" else _ONLY_THE_PAGE))
    assert held.returncode == 0, held.stdout + held.stderr
    verdicts = _proof(world)
    assert {"fail", "error"}.isdisjoint(verdicts.values())
    tried = {one for one, verdict in verdicts.items() if verdict == "pass"}
    assert {"bypass-transport", "admin-sign-in", "admin-host", "admin-upgrade"} <= tried
    assert world.mode != "plain" or {"malformed", "zone-transfer", "half-open"} <= tried


def _rcode(pod: Pod, name: str) -> str:
    words = ("+tcp", "+tries=1", "+time=30", "@127.0.0.1", "-p", str(pod.port(5300)), name)
    return run("dig", *words).stdout


@pytest.fixture(scope="module")
def behind_a_sidecar(world: World, authority: Authority) -> Iterator[Pod]:
    """A resolver with settings for identities of the mesh, and with DNS over TLS."""
    proxy = Cluster(objects_of("sidecar", "proxy-page"), world.cluster.folder)
    resolver = world.resolver(1)
    resolver.mount("settings", proxy.find("ConfigMap", "keyhole-resolver-settings")["data"])
    pair = authority.issue("keyhole-dot")
    files = {"tls.crt": pair.certificate.read_text(), "tls.key": pair.key.read_text()}
    resolver.mount("tls", files)
    resolver.start()
    yield resolver
    resolver.stop()


only_in_a_mesh = pytest.mark.parametrize("world", ["sidecar"], indirect=True)


@needs_helm
@only_in_a_mesh
def test_a_resolver_behind_a_sidecar_knows_the_client_that_the_mesh_names(
    world: World, behind_a_sidecar: Pod
) -> None:
    resolver = behind_a_sidecar
    server = Server(udp=0, tcp=0, dot=0, doh=0, ca=world.ca, mesh=resolver.port(5300))
    query = dns.message.make_query(READY, "A").to_wire()

    def answer(header: bytes) -> str:
        resolver.must_run()
        with suppress(OSError, EOFError), raw.mesh(server, header) as stream:
            stream.send(query)
            if octets := stream.receive():
                return dns.rcode.to_text(dns.message.from_wire(octets).rcode())
        return "closed"

    until(lambda: answer(mesh.header(NETSHOOT)) == "NOERROR", "the client is answered")
    other = mesh.header("spiffe://elsewhere.example/ns/client/sa/netshoot")
    assert answer(other) != "NOERROR", "of a trust domain that is not named"
    assert answer(mesh.header()) != "NOERROR", "of whom the mesh says nothing"


def _dig(port: int, ca: Path, pair: Pair | None, *more: str) -> int:
    shown = ["--cert", str(pair.certificate), "--key", str(pair.key)] if pair else []
    words = ("dig", "@127.0.0.1", READY, "--tls", "--port", str(port), "--ca", str(ca))
    return call_keyhole(*words, *shown, *more).returncode


@needs_envoy
@needs_helm
@only_in_a_mesh
def test_the_patch_of_the_sidecar_has_what_a_real_envoy_tells_the_resolver(
    world: World, behind_a_sidecar: Pod, authority: Authority, tmp_path: Path
) -> None:
    (one,) = [o for o in objects_of("sidecar", "proxy") if o["kind"] == "EnvoyFilter"]
    listener, cluster = (each["patch"]["value"] for each in one["spec"]["configPatches"])
    pair = authority.issue("127.0.0.1")
    port = behind_a_sidecar.port(5300)
    allowed, denied = (
        authority.make(Form(uris=(who,), purposes=(CLIENT,)))
        for who in (NETSHOOT, NETSHOOT.replace("netshoot", "other"))
    )
    with sidecar(tmp_path, pair, authority.root, port, free_port(), [NETSHOOT]) as envoy:
        used = json.loads((tmp_path / "envoy.json").read_text())["static_resources"]
        until(lambda: _dig(envoy.dns, authority.root, allowed) == 0, "Envoy's client is answered")
        assert _dig(envoy.dns, authority.root, denied) != 0
    proxied = used["listeners"][0]["filter_chains"][0]["filters"][1]["typed_config"]
    for key, value in listener["typed_config"].items():
        assert proxied[key] == value, key
    assert used["clusters"][0]["transport_socket"] == cluster["transport_socket"]


@needs_helm
@only_in_a_mesh
def test_core_dns_is_answered_over_tls_with_a_certificate_of_control_and_not_without(
    world: World, behind_a_sidecar: Pod, authority: Authority, tmp_path: Path
) -> None:
    environment = world.control.environment(world.control.spec["containers"][0])
    words = ("identity", "issue", "kube-system/coredns", "--out", str(tmp_path / "svid"))
    assert call_keyhole(*words, **environment).returncode == 0
    pair = Pair(tmp_path / "svid" / "svid.pem", tmp_path / "svid" / "svid-key.pem")
    port, name = behind_a_sidecar.port(8853), ("--name", "keyhole-dot")
    until(lambda: _dig(port, authority.root, pair, *name) == 0, "CoreDNS is answered")
    assert _dig(port, authority.root, None, *name) != 0


@needs_helm
@only_in_a_mesh
def test_the_job_is_a_stranger_over_tls_and_red_where_no_mesh_closes_the_page(
    world: World, behind_a_sidecar: Pod
) -> None:
    _open_the_page(world)
    job = _job(world, "sidecar")
    ports = {"--dot=853": behind_a_sidecar.port(8853)}
    dot = ("identity-required", "client-self-signed", "client-expired", "old-tls")
    refused = job.run(ports, *(word for one in dot for word in ("--only", one)))
    assert refused.returncode == 0, refused.stdout + refused.stderr
    open_page = job.run(ports, "--only", "admin-sign-in")
    assert open_page.returncode == 1, open_page.stderr
    assert "GET /api/v1/health: 200" in open_page.stdout


@pytest.mark.parametrize("mode", MODES)
def test_the_rendered_settings_and_documents_are_valid(mode: str, tmp_path: Path) -> None:
    _check(Cluster(manifest(mode), tmp_path))


@needs_helm
@pytest.mark.parametrize(
    ("mode", "variant"), [case for case in (*CASES, *WATCHING) if case[1] != "as-it-is"]
)
def test_so_are_those_of_every_variant(mode: str, variant: str, tmp_path: Path) -> None:
    _check(Cluster(objects_of(mode, variant), tmp_path))


def _check(cluster: Cluster) -> None:
    for one in cluster.objects:
        if one["kind"] == "ConfigMap" and one["metadata"]["name"].startswith("keyhole-"):
            for name, text in one["data"].items():
                if name.endswith(".yaml"):
                    file = cluster.folder / one["metadata"]["name"] / name
                    file.parent.mkdir(exist_ok=True)
                    file.write_text(text)
    settings = sorted(cluster.folder.glob("*-settings/keyhole.yaml"))
    documents = sorted(cluster.folder.glob("*-documents"))
    assert (len(settings), len(documents)) == (3, 2)
    for path in (*settings, *documents):
        checked = call_keyhole("check", str(path), "--json")
        problems = json.loads(checked.stdout)["problems"]
        wrong = [one["why"] for one in problems if not one["is_advice"]]
        # What a pod mounts, or gets when it joins, is not on this machine.
        absent = ("/etc/keyhole", "/var/lib/keyhole", "there is no")
        assert [why for why in wrong if not any(one in why for one in absent)] == []

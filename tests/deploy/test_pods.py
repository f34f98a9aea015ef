"""The rendered pods really start and answer: their commands run with the files that they mount."""

import json
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

import dns.message
import dns.rcode
import pytest
import yaml

from keyhole.mesh.render import MODES, render
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


def _objects(mode: str) -> list[dict[str, Any]]:
    return list(yaml.load_all(render(mode), yaml.CSafeLoader))


class World:
    """The pods of one mode: control, a forwarder, and as many resolvers as a test starts."""

    def __init__(self, mode: str, folder: Path, upstream: Upstream, ca: Path) -> None:
        self.mode = mode
        self.ca = ca
        self.cluster = Cluster(_objects(mode), folder)
        self.control = self.cluster.pod("keyhole-control")
        self.forwarder = self.cluster.pod("keyhole-forwarder")
        self._pods = [self.control, self.forwarder]
        there = {"addresses": [f"127.0.0.1:{upstream.port}"], "serverName": "upstream.example.org"}
        self.forwarder.edit("documents", "Upstream", {**there, "ca": str(ca)})

    def start(self) -> "World":
        """Starts control, then the forwarder, which may have to join."""
        self.control.start()
        self.wait_for_ready(self.control, 9154)
        if self.mode == "plain":
            identity = "spiffe://keyhole.internal/ns/engines/sa/keyhole-forwarder"
            self.join(self.forwarder, "--spiffe", identity, "--server")
        self.forwarder.start()
        self.wait_for_ready(self.forwarder, 9153)
        return self

    def resolver(self, number: int) -> Pod:
        """A resolver with a token; not started."""
        pod = self.cluster.pod("keyhole-resolver", number)
        self._pods.append(pod)
        self.join(pod)
        return pod

    def join(self, pod: Pod, *more: str) -> None:
        """Mounts a join token that control made."""
        environment = self.control.environment(self.control.spec["containers"][0])
        name = f"engines/{pod.name}"
        made = call_keyhole("enroll", "create", name, "--json", *more, **environment)
        assert made.returncode == 0, made.stderr
        pod.mount("join", {pod.name: json.loads(made.stdout)["token"]})

    def wait_for_ready(self, pod: Pod, port: int) -> None:
        """Waits until the readiness probe of a pod succeeds."""

        def ready() -> bool:
            pod.must_run()
            return status(pod, port, "readyz") == 200

        until(ready, f"{pod.name} is ready")

    def wait_for(self, pod: Pod, name: str, address: str) -> None:
        """Waits until a resolver answers so."""

        def answers() -> bool:
            pod.must_run()
            return ask(pod, name) == address

        try:
            until(answers, f"{pod.name} answers {name}")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{pod.output}") from None

    def stop(self) -> None:
        """Ends all pods."""
        for pod in self._pods:
            pod.stop()


def status(pod: Pod, port: int, path: str) -> int:
    """The status of a page of the health listener; 0 while there is none."""
    opener = build_opener(ProxyHandler({}))
    try:
        with opener.open(f"http://127.0.0.1:{pod.port(port)}/{path}", timeout=5) as response:
            return int(response.status)
    except HTTPError as error:
        return error.code
    except OSError:
        return 0


def ask(pod: Pod, name: str) -> str:
    """What dig hears from a resolver over TCP."""
    port = str(pod.port(5300))
    words = ("+tcp", "+short", "+tries=1", "+time=30", "@127.0.0.1", "-p", port, name)
    return run("dig", *words).stdout.strip()


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
        maps = [one for one in _objects(mode) if one["kind"] == "ConfigMap"]
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


@needs("dig")
def test_a_resolver_joins_and_answers_by_the_documents_of_control(world: World) -> None:
    resolver = world.resolver(0).start()
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


@pytest.mark.parametrize("mode", MODES)
def test_the_rendered_settings_and_documents_are_valid(mode: str, tmp_path: Path) -> None:
    _check(Cluster(_objects(mode), tmp_path))


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

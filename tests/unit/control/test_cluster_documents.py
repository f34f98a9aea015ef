"""Documents in Kubernetes beside those in files: in force together, and answered by a status."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from keyhole.control.cluster_documents import feed as module
from keyhole.control.cluster_documents.feed import ClusterDocuments
from keyhole.control.data_folder import DataFolder
from keyhole.control.parts import KUBERNETES, KUBERNETES_DOCUMENTS, Parts
from keyhole.control.reconciler import Reconciler
from keyhole.control.settings import read_settings
from keyhole.mesh.documents import choice
from keyhole.mesh.documents.api import ForbiddenError
from keyhole.mesh.error import MeshError
from keyhole.mesh.objects import Tree
from keyhole.policy import include
from tests.world.cluster_documents import page, tree_of
from tests.world.follower import fake_local_engine
from tests.world.waiting import PATIENCE

_FILE = """\
apiVersion: keyhole.dev/v1
kind: Policy
metadata: {name: base}
spec: {rules: [{block: [a.example], important: true}]}
---
apiVersion: keyhole.dev/v1
kind: Upstream
metadata: {name: one}
spec: {protocol: dot, addresses: [192.0.2.1], serverName: dns.example.org}
"""
_SETTINGS = """\
clients: [127.0.0.0/8]
kubernetes:
  watch: true
  namespaces: [shop]
  include: [base]
  trust_domains: [keyhole.internal]
"""
_WEB = {
    "subjects": ["spiffe://keyhole.internal/ns/shop/sa/web"],
    "rules": [{"block": ["x.example"]}],
}


class Cluster:
    """The API of a cluster, in memory; what is written into a status is seen by the watch."""

    def __init__(self, *objects: Tree) -> None:
        self.objects = {self._path(one): one for one in objects}
        self.events: list[Tree] = []
        self.is_away = False
        self.forbidden = ""
        self._watches: list[tuple[str, asyncio.Queue[Tree]]] = []

    def __call__(self, access: object) -> "Cluster":
        """In the place of `ClusterApi`."""
        return self

    @staticmethod
    def _path(one: Tree) -> str:
        plural = {"Policy": "policies", "List": "lists", "Client": "clients"}[one["kind"]]
        place = f"/apis/keyhole.dev/v1/namespaces/{one['metadata']['namespace']}/{plural}"
        return f"{place}/{one['metadata']['name']}"

    def put(self, one: Tree) -> None:
        """An object is made or changed."""
        self._tell("MODIFIED", one)

    def delete(self, one: Tree) -> None:
        """An object is deleted."""
        del self.objects[self._path(one)]
        self._tell("DELETED", one)

    def _tell(self, what: str, one: Tree) -> None:
        path = self._path(one)
        if what != "DELETED":
            self.objects[path] = one
        for place, queue in self._watches:
            if path.rpartition("/")[0] == place:
                queue.put_nowait({"type": what, "object": one})

    def ready(self, one: Tree) -> tuple[str, str, str]:
        """What its status says; empty texts without one."""
        found = self.objects[self._path(one)].get("status", {}).get("conditions")
        if not found:
            return "", "", ""
        return found[0]["status"], found[0]["reason"], found[0]["message"]

    async def close(self) -> None:
        """Nothing is open."""

    async def get(self, path: str, asked: dict[str, str]) -> Tree:
        if self.is_away:
            raise MeshError("https://10.96.0.1:443 cannot be reached: refused")
        if self.forbidden and f"/namespaces/{self.forbidden}/" in path:
            raise ForbiddenError(f"{path}: status 403")
        return page("1", *(one for key, one in self.objects.items() if key.startswith(path)))

    async def watch(self, path: str, asked: dict[str, str]) -> AsyncIterator[Tree]:
        queue: asyncio.Queue[Tree] = asyncio.Queue()
        self._watches.append((path, queue))
        while True:
            yield await queue.get()

    async def merge(self, path: str, body: Tree) -> None:
        one = self.objects[path.removesuffix("/status")]
        self.put({**one, **body})

    async def create(self, path: str, body: Tree) -> None:
        self.events.append(body)


class Control:
    """A reconciler with a fake engine, and the feed."""

    def __init__(self, data: DataFolder) -> None:
        self._data = data
        engine, _ = fake_local_engine(data.path)
        self.engine = engine
        self.parts = Parts(lambda _: None)
        settings = read_settings(data.config)
        self.reconciler = Reconciler(settings, data, engine, lambda _: None, self.parts)
        self.feed = ClusterDocuments(settings, data, self.reconciler, self.parts)

    def policies(self) -> list[str]:
        """The policies in force."""
        if not self._data.snapshot.exists():
            return []
        snapshot = json.loads(self._data.snapshot.read_bytes())
        return sorted(one["name"] for one in snapshot["policies"])

    def why(self, part: str) -> str:
        """Why a part does not work."""
        return next((one.why for one in self.parts.states() if one.name == part), "")


@asynccontextmanager
async def _running(data: DataFolder) -> AsyncIterator[Control]:
    control = Control(data)
    await control.reconciler.start()
    task = asyncio.create_task(control.feed.run())
    try:
        yield control
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await control.engine.stop()


async def _until(look: Callable[[], Any], wanted: str) -> None:
    try:
        async with asyncio.timeout(PATIENCE):
            while not look():  # noqa: ASYNC110  (what it looks at tells nobody)
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"waited in vain until {wanted}") from None


@pytest.fixture
def data(tmp_path: Path) -> DataFolder:
    """A data folder with a policy in a file."""
    folder = DataFolder(tmp_path)
    folder.make()
    folder.config.write_text(_SETTINGS)
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / "base.yaml").write_text(_FILE)
    return folder


def _live(
    data: DataFolder,
    cluster: Cluster,
    monkeypatch: pytest.MonkeyPatch,
    story: Callable[[Control], Awaitable[None]],
) -> None:
    monkeypatch.setattr(module, "ClusterApi", cluster)
    monkeypatch.setattr(ClusterDocuments, "_access", lambda _: None)
    monkeypatch.setattr(module, "SETTLE_SECONDS", 0.0)

    async def life() -> None:
        async with _running(data) as control:
            await story(control)

    asyncio.run(life())


def test_objects_are_in_force_with_the_files_and_say_so(
    data: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    web = tree_of("Policy", "shop", "web", _WEB)
    own = tree_of("Policy", "keyhole", "desk", {"subjects": ["spiffe://keyhole.internal/ns/x/*"]})
    twin = tree_of("Policy", "keyhole", "base", {"subjects": []})
    greedy = tree_of("Policy", "shop", "all", {"subjects": ["cidr:0.0.0.0/0"]})
    cluster = Cluster(web, own, twin, greedy)

    async def story(control: Control) -> None:
        await _until(
            lambda: all(cluster.ready(one)[0] for one in (web, own, twin, greedy)),
            "all have a status",
        )
        assert control.policies() == ["base", "desk", "shop.web"]
        assert cluster.ready(web) == ("True", "InForce", "it is in force")
        said = cluster.ready(twin)
        assert said[1] == "Invalid"
        assert "metadata.name: Policy/base is declared already at base.yaml:1" in said[2]
        assert "Policy keyhole/base: metadata.name" in control.why(KUBERNETES_DOCUMENTS)
        assert cluster.ready(greedy)[1] == "NotDelegated"
        assert len(cluster.events) == 4

        wrong = {**_WEB, "rules": [{"block": ["x.example"], "answer": "nowhere"}]}
        cluster.put(tree_of("Policy", "shop", "web", wrong, 2))
        await _until(lambda: cluster.ready(web)[0] == "False", "the mistake is told")
        said = cluster.ready(web)
        assert said[2].startswith("spec.rules[0].answer: nowhere is not an answer")
        assert said[2].endswith("the version before it stays in force")
        assert control.policies() == ["base", "desk", "shop.web"]

        cluster.put(tree_of("Policy", "shop", "web", _WEB, 3))
        await _until(lambda: cluster.ready(web)[0] == "True", "it is mended")
        cluster.delete(own)
        await _until(lambda: control.policies() == ["base", "shop.web"], "it is gone")

    _live(data, cluster, monkeypatch, story)


def test_a_mistake_in_a_file_holds_objects_back_until_it_is_mended(
    data: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = Cluster()
    web = tree_of("Policy", "shop", "web", _WEB)
    file = data.path / "documents" / "base.yaml"

    async def story(control: Control) -> None:
        await _until(lambda: control.policies() == ["base"], "the files are in force")
        file.write_text(_FILE.replace("block:", "blokc:"))
        await control.reconciler.apply()
        cluster.put(web)
        await _until(lambda: cluster.ready(web)[0], "it has a status")
        said = cluster.ready(web)
        assert said[1] == "Waiting"
        assert said[2] == "other documents keep it from being in force"
        assert control.policies() == ["base"]
        file.write_text(_FILE)
        await control.reconciler.apply()
        await _until(lambda: cluster.ready(web)[0] == "True", "it is in force")
        assert control.policies() == ["base", "shop.web"]

    _live(data, cluster, monkeypatch, story)


def test_without_the_api_server_the_last_good_documents_stay_in_force(
    data: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = Cluster(tree_of("Policy", "shop", "web", _WEB))
    cluster.is_away = True

    async def without(control: Control) -> None:
        assert control.policies() == [], "without them, policies might be missing"
        assert "have not been read yet" in str(control.reconciler.problem)
        await _until(lambda: control.why(KUBERNETES), "it is said")
        assert "10.96.0.1:443 cannot be reached" in control.why(KUBERNETES)

    async def with_it(control: Control) -> None:
        await _until(lambda: control.policies() == ["base", "shop.web"], "both are in force")

    async def again(control: Control) -> None:
        assert control.policies() == ["base", "shop.web"]
        assert control.reconciler.problem is None
        await _until(lambda: control.why(KUBERNETES), "it is said")

    _live(data, cluster, monkeypatch, without)
    cluster.is_away = False
    _live(data, cluster, monkeypatch, with_it)
    cluster.is_away = True
    _live(data, cluster, monkeypatch, again)


def test_a_namespace_that_is_delegated_no_more_loses_its_documents(
    data: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = Cluster(tree_of("Policy", "shop", "web", _WEB))

    async def before(control: Control) -> None:
        await _until(lambda: "shop.web" in control.policies(), "it is in force")

    async def after(control: Control) -> None:
        await _until(lambda: control.policies() == ["base"], "it is gone, without the API server")

    _live(data, cluster, monkeypatch, before)
    data.config.write_text(_SETTINGS.replace("  namespaces: [shop]\n", ""))
    cluster.is_away = True
    _live(data, cluster, monkeypatch, after)


def test_a_hostile_object_is_answered_and_stops_nobody_else(
    data: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep: Any = []
    for _ in range(500):
        deep = [deep]
    web = tree_of("Policy", "shop", "web", _WEB)
    bad = tree_of("Policy", "shop", "bad", {**_WEB, "lists": deep})
    mine = tree_of("Policy", "keyhole", "mine", {"subjects": [], "lists": deep})
    broad = {**_WEB, "blockedTtl": ["a"] * 90_000, "rules": [{"block": ["a"]}] * 9}
    large = tree_of("Policy", "shop", "large", broad)
    cluster = Cluster(web, bad, mine, large)

    async def story(control: Control) -> None:
        await _until(
            lambda: all(cluster.ready(one)[0] for one in (web, bad, mine, large)), "all have one"
        )
        assert control.policies() == ["base", "shop.web"]
        assert cluster.ready(bad)[1:] == (
            "NotDelegated",
            "spec: nested deeper than 16 levels; no document needs that",
        )
        assert "cannot be written as YAML" in cluster.ready(mine)[2]
        assert cluster.ready(large)[0] == "False"

    _live(data, cluster, monkeypatch, story)


def test_a_fault_of_the_program_is_told_and_tried_again(
    data: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = Cluster(tree_of("Policy", "shop", "web", _WEB))
    faults = [RuntimeError("a fault"), RecursionError("too deep")]
    right = choice.choose

    def choose(*args: Any, **named: Any) -> Any:
        if faults:
            raise faults.pop(0)
        return right(*args, **named)

    monkeypatch.setattr(module, "choose", choose)
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.05)

    async def story(control: Control) -> None:
        await _until(lambda: "RuntimeError: a fault" in control.why(KUBERNETES), "it is said")
        await _until(lambda: "shop.web" in control.policies(), "it is in force")
        await _until(lambda: not control.why(KUBERNETES), "it works again")

    _live(data, cluster, monkeypatch, story)


def test_a_namespace_that_cannot_be_read_keeps_what_it_has_and_nobody_waits_for_it(
    data: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = tree_of("Policy", "keyhole", "desk", {"subjects": ["spiffe://keyhole.internal/ns/x/*"]})
    cluster = Cluster(tree_of("Policy", "shop", "web", _WEB))

    async def before(control: Control) -> None:
        await _until(lambda: "shop.web" in control.policies(), "it is in force")

    async def after(control: Control) -> None:
        cluster.put(desk)
        await _until(lambda: cluster.ready(desk)[0], "the other one is taken")
        assert control.policies() == ["base", "desk", "shop.web"]
        assert "namespaces/shop/" in control.why(KUBERNETES)
        assert "other namespaces go on" in control.why(KUBERNETES)

    _live(data, cluster, monkeypatch, before)
    cluster.forbidden = "shop"
    _live(data, cluster, monkeypatch, after)


def test_policies_that_are_too_much_together_are_held_and_those_in_force_stay(
    data: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    data.config.write_text(_SETTINGS.replace("[shop]", "[shop, bank]"))
    monkeypatch.setattr(include, "MAX_RULES", 20)
    web = tree_of("Policy", "shop", "web", _WEB)
    many = {
        "subjects": ["spiffe://keyhole.internal/ns/bank/sa/x"],
        "rules": [{"block": [f"x{at}.example"]} for at in range(30)],
    }
    cluster = Cluster(web)
    bank = tree_of("Policy", "bank", "many", many)

    async def story(control: Control) -> None:
        await _until(lambda: cluster.ready(web)[0], "it is in force")
        cluster.put(bank)
        await _until(lambda: cluster.ready(bank)[0], "the new one is answered")
        assert cluster.ready(bank)[1] == "Invalid"
        assert "more than 20 rules in all" in cluster.ready(bank)[2]
        assert cluster.ready(web)[0] == "True"
        assert control.policies() == ["base", "shop.web"]

    _live(data, cluster, monkeypatch, story)

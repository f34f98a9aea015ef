"""The guides can be followed word by word: each line does what it says."""

import json
import re
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyotp
import pytest

from keyhole.config.source_tree import plain
from keyhole.config.yaml import read_yaml
from keyhole.control.data_folder import DataFolder
from keyhole.control.defaults import write_defaults
from keyhole.identity import Authority
from tests.docs.pages import PAGES, ROOT, SHELL
from tests.docs.terminal import Learn, Terminal
from tests.world.certificates import Authority as TestAuthority
from tests.world.events import HookReceiver, SyslogReceiver
from tests.world.imports import home_teleporter, technitium_settings, zipped
from tests.world.lab import Lab
from tests.world.otlp import OtlpReceiver
from tests.world.ports import free_port
from tests.world.process import call_keyhole
from tests.world.resolver import Resolver
from tests.world.tools import needs
from tests.world.upstream import Upstream
from tests.world.waiting import until

pytestmark = [needs("kdig"), needs("curl"), needs("dig")]

IN_THE_LAB = [
    "README.md",
    *(
        f"docs/guides/{name}.md"
        for name in ("first-steps", "documents", "graph", "query-log", "people")
    ),
    "docs/guides/pihole-api.md",
    "docs/guides/verify.md",
]
ALONE = {
    *(
        "coming-from-elsewhere",
        "engines",
        "events",
        "identity",
        "jaeger",
        "kubernetes",
        "lists",
        "now",
    ),
    *("backup", "evidence", "tunneling", "when-parts-fail"),
    "real-network",  # starts Keyhole; tests/e2e/test_new_user.py does that
    "install",  # changes the machine; tests/release/test_debian_install.py has another one for it
}
API = "http://127.0.0.1:8080"


def _text(page: str) -> str:
    return (ROOT / page).read_text()


def _same(text: str) -> str:
    return text


def _code(secret: str) -> str:
    return pyotp.TOTP(secret).now()


def test_every_guide_with_commands_is_followed() -> None:
    walked = {*IN_THE_LAB, *(f"docs/guides/{name}.md" for name in ALONE)}
    written = {str(page.relative_to(ROOT)) for page in PAGES if SHELL.search(page.read_text())}
    # The commands of the reference are the examples of the help texts, each for itself.
    assert walked == written - {"docs/reference/commands.md"}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab whose documents, certificates and accounts the pages may change."""
    running = Lab(tmp_path_factory.mktemp("walk"))
    try:
        yield running
    finally:
        running.program.stop()


@pytest.mark.parametrize("page", IN_THE_LAB)
def test_a_page_can_be_followed_in_the_lab(lab: Lab, tmp_path: Path, page: str) -> None:
    data = Path(lab.ready["data"]) / "resolver"
    said = {
        "/tmp/keyhole-lab": lab.ready["data"],
        **{f"530{step}": str(lab.server.udp + step) for step in range(3)},
        API: lab.ready["api"],
        "~/.local/share/keyhole": str(data),
    }
    learned: tuple[Learn, ...] = ()
    if page == "docs/guides/documents.md":
        learned = (
            (r"change (\d+) is in force", "--change 17", lambda number: f"--change {number}"),
        )
    elif page == "docs/guides/verify.md":
        (tmp_path / "ready.json").write_text(json.dumps(lab.ready))
    elif page == "docs/guides/people.md":
        shown = call_keyhole("people", "reset", "admin", "--json", KEYHOLE_DATA=str(data)).stdout
        said["pceg-..."] = json.loads(shown)["password"]
        said["https://keyhole.example.org:8080"] = lab.ready["api"]
        said["root.pem"] = lab.ready["ca"]
        learned = (
            (r'"secret": ?"(\w+)"', "123456", _code),
            (r"^([0-9a-f]{16}) ", "9388aa90a4e039ab", _same),
            (r"khp_\S+", "backup.token", lambda secret: _saved(tmp_path / "a.token", secret)),
        )
    Terminal(said, tmp_path, data, learned).walk(_text(page))


def _saved(path: Path, text: str) -> str:
    if not path.exists():
        path.write_text(text)
    return str(path)


def test_the_guide_to_identities_can_be_followed(resolver: Resolver, tmp_path: Path) -> None:
    # `keyhole up` with its own certificate and authority; only ports and upstream are the test's.
    port = free_port()
    listen = {"listen": [f"127.0.0.1:{port}"]}
    resolver.configure(tls={"names": ["dns.example.org"]}, enrollment=listen)
    server = resolver.start().server
    resolver.wait_for_api()
    said = {
        "/tmp/keyhole": str(resolver.folder),
        "/tmp/web": str(tmp_path / "web"),
        "/etc/keyhole": str(tmp_path / "keyhole"),
        "8853": str(server.dot),
        # A service; from a timer it ends once it has looked.
        "enroll keep": "enroll keep --once",
    }

    def write(name: str, text: str) -> None:
        if name.startswith("documents/"):
            (resolver.folder / name).write_text(text)
            resolver.settle()

    learned: tuple[Learn, ...] = (
        (r"khe1\.\S+", "join.token", lambda secret: _saved(tmp_path / "join", secret)),
        (r"\b[a-z2-7]{32}\b", "living-room-tv.token", lambda one: _saved(tmp_path / "tv", one)),
    )
    Terminal(said, tmp_path, learned=learned, write=write).walk(_text("docs/guides/identity.md"))


def test_the_guide_to_kubernetes_can_be_followed_where_no_cluster_is_needed(tmp_path: Path) -> None:
    # Its other commands: tests/deploy/test_guide.py.
    Terminal({}, tmp_path).walk(_text("docs/guides/kubernetes.md"))


def test_the_guide_to_parts_that_fail_can_be_followed(resolver: Resolver, tmp_path: Path) -> None:
    resolver.start()
    resolver.stop()
    shutil.rmtree(resolver.folder / "documents")
    Terminal({}, tmp_path, resolver.folder).walk(_text("docs/guides/when-parts-fail.md"))


def test_the_guide_to_backups_can_be_followed(tmp_path: Path) -> None:
    data = DataFolder(tmp_path / "data")
    data.make()
    write_defaults(data)
    Authority.open(data.identity)
    said = {"/tmp/keyhole.tar.gz": str(tmp_path / "b.tar.gz"), "/tmp/new": str(tmp_path / "new")}
    Terminal(said, tmp_path, data.path).walk(_text("docs/guides/backup.md"))


def test_the_guide_to_lists_can_be_followed(resolver: Resolver, tmp_path: Path) -> None:
    resolver.start()
    resolver.wait_for_api()

    def write(name: str, text: str) -> None:
        if name.startswith("documents/"):
            (resolver.folder / name).write_text(text)
        if name == "documents/policy.yaml":
            (resolver.documents / "policy-home.yaml").unlink()
            resolver.settle()

    terminal = Terminal({}, resolver.documents, resolver.folder, write=write)
    terminal.walk(_text("docs/guides/lists.md"))
    assert resolver.server.ask("ads.example.com").errors[0][1].startswith("blocked_by_list")


def test_the_guides_to_policies_and_to_pauses_can_be_followed(
    resolver: Resolver, tmp_path: Path
) -> None:
    resolver.start()
    resolver.wait_for_api()
    for token in ("school-laptop", "tablet", "tv"):
        resolver.command("token", "create", token)

    def write(name: str, text: str) -> None:
        if name.startswith("documents/"):
            (resolver.folder / name).write_text(text)

    (resolver.documents / "policy-home.yaml").unlink()
    Terminal({}, tmp_path, resolver.folder, write=write).walk(_text("docs/guides/policy.md"))
    resolver.settle()
    learned: tuple[Learn, ...] = (
        (r"^ *(\d+) block games", "--remove 12", lambda number: f"--remove {number}"),
    )
    terminal = Terminal({}, tmp_path, resolver.folder, learned)
    terminal.walk(_text("docs/guides/now.md"))


def test_the_guide_to_tunnels_can_be_followed(resolver: Resolver, tmp_path: Path) -> None:
    resolver.start()

    def write(name: str, text: str) -> None:
        (resolver.documents / "policy-home.yaml").unlink(missing_ok=True)
        (resolver.folder / name).write_text(text)
        resolver.settle()

    Terminal({}, tmp_path, resolver.folder, write=write).walk(_text("docs/guides/tunneling.md"))


def test_the_guide_to_other_products_can_be_followed(tmp_path: Path) -> None:
    home_teleporter(tmp_path / "teleporter.zip")
    zipped(tmp_path / "backup.zip", {"dns.config": technitium_settings()})
    text = _text("docs/guides/coming-from-elsewhere.md")
    for number, section in enumerate(re.split(r"(?m)^## ", text)):
        # Each section is for somebody else, who has no folder yet.
        folder = tmp_path / str(number)
        folder.mkdir()
        for name in ("teleporter.zip", "backup.zip"):
            (folder / name).hardlink_to(tmp_path / name)
        Terminal({}, folder).walk(section)


def test_the_guide_to_engines_can_be_followed(
    make_resolver: Callable[[], Resolver], upstream: Upstream, tmp_path: Path
) -> None:
    control, berlin = make_resolver(), make_resolver()
    control.write(control.upstream(upstream.port))
    enrollment, link = free_port(), free_port()
    said = {
        "192.0.2.1:8444": f"127.0.0.1:{enrollment}",
        "192.0.2.1:8445": f"127.0.0.1:{link}",
        "control.example.org:8445": f"127.0.0.1:{link}",
        "192.0.2.2:853": f"127.0.0.1:{berlin.server.dot}",
        "192.0.2.0/24": "127.0.0.0/8",
        "/var/lib/keyhole": str(berlin.folder),
        "berlin.pem": "server.pem",
        "berlin-key.pem": "server.key",
        "enroll keep": "enroll keep --once",
    }

    def write(name: str, text: str) -> None:
        settings: Any = plain(read_yaml(text, name)[0][0])
        one = {"keyhole.yaml": control, "berlin/keyhole.yaml": berlin}[name]
        one.configure(**settings | {"listen": one.listen() | settings.get("listen", {})})
        if one is control:
            control.start()
            control.wait_for(lambda: _listens(enrollment), "enrollment listens")

    learned: tuple[Learn, ...] = (
        (r"khe1\.\S+", "join.token", lambda secret: _saved(tmp_path / "join", secret)),
    )
    terminal = Terminal(said, tmp_path, control.folder, learned, write)
    page = _text("docs/guides/engines.md")
    start = page.index("keyhole up --data")
    terminal.walk(page[: page.rindex("```sh", 0, start)])
    berlin.start_refusing()

    def in_force() -> bool:
        told = control.command("engines")
        return told.returncode == 0 and "berlin: in force" in told.stdout

    control.wait_for(in_force, "the engine of Berlin is in force")
    terminal.walk(page[page.rindex("```sh", 0, start) :])


def test_the_guide_to_traces_can_be_followed(
    resolver: Resolver, upstream: Upstream, tmp_path: Path
) -> None:
    with OtlpReceiver() as receiver:
        said = {
            "http://127.0.0.1:4318": receiver.url,
            "/tmp/keyhole": str(resolver.folder),
            "root.pem": str(resolver.authority.root),
            "5300": str(resolver.server.udp),
            "8443": str(resolver.server.doh),
        }

        def write(_: str, text: str) -> None:
            settings: Any = plain(read_yaml(text, "keyhole.yaml")[0][0])
            settings["traces"]["endpoint"] = receiver.url
            resolver.configure(**settings)
            resolver.start()
            resolver.wait_for_api()

        page = _text("docs/guides/jaeger.md")
        Terminal(said, tmp_path, write=write).walk(page)
        trace = "0af7651916cd43dd8448eb211c80319c"
        assert trace in page
        until(lambda: any(one.trace == trace for one in receiver.queries()), "the trace is there")


def test_the_guide_to_events_can_be_followed(
    resolver: Resolver, authority: TestAuthority, tmp_path: Path
) -> None:
    pair = authority.issue("127.0.0.1")
    (tmp_path / "siem-root.pem").write_bytes(authority.root.read_bytes())
    with SyslogReceiver(pair) as siem, HookReceiver(pair) as hook:
        said = {
            "/tmp/keyhole": str(resolver.folder),
            "siem.example.org": f"127.0.0.1:{siem.port}",
            "https://hooks.example.org/keyhole": f"https://127.0.0.1:{hook.port}/keyhole",
            "siem-root.pem": str(authority.root),
            "192.0.2.0/24": "127.0.0.0/8",
        }

        def write(name: str, text: str) -> None:
            settings: Any = plain(read_yaml(text, name)[0][0])
            resolver.configure(**settings)
            resolver.start()
            resolver.wait_for_api()

        Terminal(said, tmp_path, write=write).walk(_text("docs/guides/events.md"))
        assert siem.messages("test")
        assert hook.events("test")


def test_the_guide_to_evidence_can_be_followed(resolver: Resolver, tmp_path: Path) -> None:
    resolver.start().server.ask("www.example.org")
    resolver.wait_for_api()
    page = _text("docs/guides/evidence.md")
    Terminal({"/tmp/keyhole": str(resolver.folder)}, tmp_path).walk(page)
    found = json.loads(resolver.command("evidence", "head", "--json").stdout)
    file = str(tmp_path / "december.tar.gz")
    report = json.loads(call_keyhole("evidence", "check", file, "--json").stdout)
    assert (report["head"], report["wrong"]) == (found["digest"], [])
    assert report["queries"] > 0
    assert report["audit_entries"] > 0
    assert call_keyhole("evidence", "check", file, "--head", "0" * 64).returncode == 1
    (tmp_path / "none").write_text("no export")
    assert call_keyhole("evidence", "check", str(tmp_path / "none")).returncode == 2
    actions = [one["action"] for one in resolver.api("GET", "/audit").json()["items"]]
    assert "evidence_export" in actions


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
        return True
    return False

"""README and guides: their documents are valid, their commands exist, their links lead on."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.docs.command_lines import calls, mistake
from tests.docs.pages import FILE, PAGES, ROOT
from tests.world.certificates import Authority
from tests.world.process import call_keyhole
from tests.world.resolver import document

_LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")

_CHECKED = ("keyhole.yaml", "documents")

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


@pytest.mark.parametrize(
    "page", [page for page in PAGES if FILE.search(page.read_text())], ids=lambda page: page.name
)
def test_the_files_on_a_page_are_valid(page: Path, tmp_path: Path) -> None:
    for name, text in FILE.findall(page.read_text()):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    _complete(tmp_path)
    checked = call_keyhole(
        "check", *(str(tmp_path / name) for name in _CHECKED if (tmp_path / name).exists())
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def _complete(folder: Path) -> None:
    """Adds what a page does not talk about: a page on lists need not name an upstream."""
    documents = folder / "documents"
    documents.mkdir(exist_ok=True)
    said = "".join(path.read_text() for path in documents.glob("*.yaml"))
    if "kind: Upstream" not in said:
        upstream = document(
            "Upstream",
            "some",
            protocol="dot",
            addresses=["192.0.2.53"],
            serverName="dns.example.org",
        )
        (documents / "some-upstream.yaml").write_text(json.dumps(upstream))
    if "kind: Policy" not in said:
        policy = document("Policy", "some", default="allow")
        (documents / "some-policy.yaml").write_text(json.dumps(policy))
    if "server.pem" in said or (folder / "keyhole.yaml").exists():
        pair = Authority(folder / "documents" / "authority").issue("dns.example.org", "192.0.2.1")
        shutil.copy(pair.certificate, folder / "server.pem")
        shutil.copy(pair.key, folder / "server.key")


@each_page
def test_links_lead_to_files(page: Path) -> None:
    for target in _LINK.findall(page.read_text()):
        assert (page.parent / target).exists(), target


def test_commands_on_a_page_are_ones_that_keyhole_accepts() -> None:
    found = [(page.name, call) for page in PAGES for call in calls(page)]
    assert len(found) > 200
    wrong = {f"{page}: {call.line.strip()}": why for page, call in found if (why := mistake(call))}
    assert wrong == {}


@pytest.mark.parametrize(
    "line",
    [
        "keyhole enrol keep DIR",
        "keyhole enroll keep --out DIR",
        "keyhole enroll create",
        "keyhole explain NAME TYPE ADDRESS",
        "keyhole decisions --remove first",
        "keyhole pause --for",
        "keyhole --token FILE status",
        "keyhole dig www.example.org +quic",
        "curl http://127.0.0.1 && sudo keyhole delete Policy | keyhole log",
    ],
)
def test_a_wrong_command_on_a_page_is_found(line: str, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"```sh\n{line}  # see\n```\n")
    assert any(mistake(call) for call in calls(page))
    page.write_text(f"Then `{line}` does it.\n")
    is_name = line == "keyhole enroll create"
    assert is_name or any(mistake(call) for call in calls(page))


def test_commands_of_dev_on_a_page_exist() -> None:
    dev = [str(ROOT / "dev"), "help"]
    text = subprocess.run(dev, capture_output=True, text=True, check=True).stdout
    named = {word for page in PAGES for word in re.findall(r"\./dev ([a-z]+)", page.read_text())}
    assert named
    assert {one for one in named if not re.search(rf"(?m)^  {one} ", text)} == set()


def test_proofs_named_in_the_threat_table_exist() -> None:
    named = re.findall(r"`((?:tests|fuzz|crates)/[\w/.]*)`", (ROOT / "SECURITY.md").read_text())
    assert named
    for path in named:
        assert (ROOT / path).exists(), path

"""README and guides: their documents are valid, their commands exist, their links lead on."""

import json
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from tests.world.certificates import Authority
from tests.world.process import call_keyhole, run_keyhole
from tests.world.resolver import document

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

FILE = re.compile(r"<!-- file: (\S+) -->\n```\w*\n(.*?)```", re.DOTALL)
_LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")
SHELL = re.compile(r"```sh\n(.*?)```", re.DOTALL)

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


@cache
def _help_of(program: str) -> str:
    if program == "keyhole":
        return run_keyhole("--help").stdout
    dev = [str(ROOT / "dev"), "help"]
    return subprocess.run(dev, capture_output=True, text=True, check=True).stdout


_COMMANDS = [
    (page.name, *line.split()[:2])
    for page in PAGES
    for block in SHELL.findall(page.read_text())
    for line in block.splitlines()
    if line.startswith(("./dev ", "keyhole "))
]


@pytest.mark.parametrize(("page", "program", "command"), sorted(set(_COMMANDS)))
def test_commands_on_a_page_exist(page: str, program: str, command: str) -> None:
    assert re.search(rf"(?m)^\W*{re.escape(command)} ", _help_of(program)), page


def test_proofs_named_in_the_threat_table_exist() -> None:
    named = re.findall(r"`((?:tests|fuzz|crates)/[\w/.]*)`", (ROOT / "SECURITY.md").read_text())
    assert named
    for path in named:
        assert (ROOT / path).exists(), path

"""README and guides: their documents are valid, their commands exist, their links lead on."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.world.process import run_keyhole

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

_FILE = re.compile(r"<!-- file: (\S+) -->\n```\w*\n(.*?)```", re.DOTALL)
_LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")
_SHELL = re.compile(r"```sh\n(.*?)```", re.DOTALL)

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


@pytest.mark.parametrize(
    "page", [page for page in PAGES if _FILE.search(page.read_text())], ids=lambda page: page.name
)
def test_the_files_on_a_page_are_valid(page: Path, tmp_path: Path) -> None:
    for name, text in _FILE.findall(page.read_text()):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    files = [str(path) for path in tmp_path.iterdir()]
    checked = run_keyhole("check", *files)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@each_page
def test_links_lead_to_files(page: Path) -> None:
    for target in _LINK.findall(page.read_text()):
        assert (page.parent / target).exists(), target


@each_page
def test_commands_on_a_page_exist(page: Path) -> None:
    dev = subprocess.run([str(ROOT / "dev"), "help"], capture_output=True, text=True, check=True)
    keyhole = run_keyhole("--help").stdout
    for block in _SHELL.findall(page.read_text()):
        for line in block.splitlines():
            words = line.split()
            if line.startswith("./dev "):
                assert f"\n  {words[1]} " in dev.stdout, line
            elif line.startswith("keyhole "):
                assert re.search(rf"\b{words[1]}\b", keyhole), line


def test_proofs_named_in_the_threat_table_exist() -> None:
    named = re.findall(r"`((?:tests|fuzz|crates)/[\w/.]*)`", (ROOT / "SECURITY.md").read_text())
    assert named
    for path in named:
        assert (ROOT / path).exists(), path

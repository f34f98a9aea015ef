"""The package brings a manual page of each command, and completion for shells."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.world.tools import needs
from tools.reference.command_tree import read_program
from tools.release.debian_tree import COMPLETIONS
from tools.release.manual_pages import manual_pages
from tools.release.project import ROOT, Project

_COMPLETE = """
source "$1"
shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_keyhole keyhole
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return manual_pages(Project())


def _plain(roff: str) -> str:
    for escape, sign in ((r"\fB", ""), (r"\fI", ""), (r"\fR", ""), (r"\-", "-"), (r"\(rs", "\\")):
        roff = roff.replace(escape, sign)
    return roff


def test_each_command_has_a_page_with_all_its_parameters_examples_and_exit_codes(
    pages: dict[str, str],
) -> None:
    commands = [one for each in read_program().headings.values() for one in each]
    assert len(pages) == len(commands) + 1
    for command in commands:
        page = _plain(pages[f"{command.name.replace(' ', '-')}.1"])
        for one in command.all():
            said = [one.meaning, *one.notes, *(example.line for example in one.examples)]
            said += [name for parameter in one.parameters for name in parameter.names]
            assert all(text in page for text in said), one.name
        assert f"\n{command.name}\n" in _plain(pages["keyhole.1"])


@needs("groff")
@needs("lexgrog")
def test_man_finds_no_fault_in_any_page_and_apropos_finds_each(
    pages: dict[str, str], tmp_path: Path
) -> None:
    for name, text in pages.items():
        (tmp_path / name).write_text(text)
        faults = subprocess.run(
            ["groff", "-man", "-ww", "-z", "-Tutf8", "-K", "utf8", tmp_path / name],
            check=True,
            capture_output=True,
            text=True,
        )
        assert faults.stderr == "", name
    told = subprocess.run(
        ["lexgrog", *(tmp_path / name for name in pages)], capture_output=True, text=True
    )
    assert told.returncode == 0, told.stdout + told.stderr
    assert "keyhole-status - show what works" in told.stdout


@needs("bash")
@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("keyhole", "sta"), ["stats", "status"]),
        (("keyhole", "token", "cr"), ["create"]),
        (("keyhole", "log", "--cli"), ["--client"]),
        (("keyhole", "nothing-like-it"), []),
    ],
)
def test_bash_completes_commands_and_options(words: tuple[str, ...], found: list[str]) -> None:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    script = ROOT / "deploy" / "debian" / "completion" / "bash"
    done = subprocess.run(
        ["bash", "-c", _COMPLETE, "bash", script, *words],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": path},
    )
    assert sorted(done.stdout.split()) == found


@pytest.mark.parametrize("shell", COMPLETIONS)
def test_the_completion_of_each_shell_is_sound(shell: str) -> None:
    script = ROOT / "deploy" / "debian" / "completion" / shell
    try:
        checked = subprocess.run([shell, "-n", script], capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip(f"{shell} is not installed")
    assert (checked.returncode, checked.stderr) == (0, "")

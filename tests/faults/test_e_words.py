"""Section E (E7, E10): what there is not is an error, and no empty answer; what people guess works.

Words of a search are tried in tests/e2e/test_log_search.py, on a Keyhole that runs.
"""

from pathlib import Path

import pytest

from keyhole import __version__
from tests.world.process import call_keyhole

_COMMANDS = [
    ("identity", "list"), ("enroll", "list"), ("enroll", "cancel", "web"), ("token", "list")
]  # fmt: skip


@pytest.mark.parametrize("command", _COMMANDS, ids=" ".join)
def test_a_data_folder_that_there_is_not_is_no_empty_one(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    done = call_keyhole(*command, "--data", str(tmp_path / "mistyped"))
    assert (done.returncode, done.stdout) == (1, "")
    assert "mistyped does not exist" in "".join(done.stderr.split("\n"))
    assert list(tmp_path.iterdir()) == []


def test_the_version_is_an_option_too_and_a_missing_command_stays_an_error() -> None:
    done = call_keyhole("--version")
    assert (done.returncode, done.stdout) == (0, f"keyhole {__version__}\n")
    assert call_keyhole("--server", "https://dns.example.org").returncode == 2


def test_two_names_for_one_search_are_an_error() -> None:
    done = call_keyhole("log", "one.example", "--name", "two.example")
    assert (done.returncode, "give one name" in done.stderr) == (1, True)

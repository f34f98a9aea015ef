"""Programs of other projects; a test that needs a missing one is skipped with the reason."""

import os
import shutil
import subprocess

import pytest

_FOLDERS = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def needs(program: str) -> pytest.MarkDecorator:
    """Skips a test where ``program`` is not installed."""
    return pytest.mark.skipif(
        shutil.which(program, path=_FOLDERS) is None,
        reason=f"{program} is not installed; ./dev test installs it when run as root on Debian",
    )


needs_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="capturing packets needs root (CAP_NET_RAW)"
)


def find(program: str) -> str:
    """The path of a program."""
    path = shutil.which(program, path=_FOLDERS)
    assert path, f"{program} is not installed"
    return path


def run(*arguments: str, seconds: float = 120) -> subprocess.CompletedProcess[str]:
    """Runs a program to its end."""
    return subprocess.run(
        [find(arguments[0]), *arguments[1:]],
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        stdin=subprocess.DEVNULL,
    )

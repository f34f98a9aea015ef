"""Starts and stops the lab's internet for tests."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.world.waiting import PATIENCE


@pytest.fixture(scope="session")
def internet() -> Callable[..., AbstractContextManager[dict[str, Any]]]:
    """A context manager that gives the JSON which the process prints when it is ready."""
    return _internet


@contextmanager
def _internet(folder: Path, *arguments: str) -> Iterator[dict[str, Any]]:
    command = [sys.executable, "-m", "keyhole.lab.internet", "--identity", str(folder / "identity")]
    with subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()
            try:
                assert process.wait(PATIENCE) == 0
            finally:
                process.kill()

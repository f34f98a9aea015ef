"""Cases for `keyhole doctor`: a folder, and perhaps what a running Keyhole says of itself."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from keyhole.control.data_folder import DataFolder
from keyhole.control.doctor import Case, Finding, open_case

STATUS: dict[str, Any] = {
    "version": "0.1.0",
    "role": "resolver",
    "uptime": 60,
    "listeners": {},
    "parts": [],
    "wrong": [],
    "lists_in_use": [],
    "upstreams": [],
}
"""What a Keyhole says that works and has nothing to do."""


class FakeRunning:
    """A Keyhole that says of itself what the test wants."""

    def __init__(self, upstreams: Mapping[str, Mapping[str, Any]] | None = None, **status: Any):
        told = upstreams or {}
        self.status = {**STATUS, "upstreams": [{"name": one} for one in told], **status}
        self._upstreams = told
        self.asked: list[str] = []

    def ask_upstream(self, name: str) -> Mapping[str, Any]:
        """What the test has given."""
        self.asked.append(name)
        return self._upstreams[name]


@contextmanager
def case_of(
    folder: Path, settings: str | None = None, running: FakeRunning | None = None
) -> Iterator[Case]:
    """A case of a folder, with these settings if there are none."""
    if settings is not None:
        folder.mkdir(exist_ok=True, mode=0o700)
        (folder / "keyhole.yaml").write_text(settings)
    with open_case(DataFolder(folder), None, running) as case:
        yield case


def lines(found: Iterable[Finding]) -> list[str]:
    """Each finding in one line: sign, what was looked at, what was seen."""
    return [f"{one.sign.value}: {one.about}: {one.seen}" for one in found]

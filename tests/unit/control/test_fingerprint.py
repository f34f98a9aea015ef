"""Files that somebody is writing are read as they are at one moment."""

import os
from pathlib import Path
from typing import Any

import pytest

from keyhole.config.files import COPY
from keyhole.control import compile as module
from keyhole.control.compile import compile_all
from keyhole.control.data_folder import DataFolder
from keyhole.control.fingerprint import fingerprint, read_as_one
from keyhole.control.settings import read_settings
from keyhole.control.trust_context import read_trust_context
from keyhole.errors import KeyholeError
from keyhole.identity.tokens import create_token

_UPSTREAM = """\
apiVersion: keyhole.dev/v1
kind: Upstream
metadata: {name: one}
spec: {protocol: dot, addresses: [192.0.2.1], serverName: dns.example.org}
"""
_POLICY = """\
apiVersion: keyhole.dev/v1
kind: Policy
metadata: {name: NAME}
spec: {SUBJECTSupstreams: [one]}
"""


def _policy(name: str, subjects: str = "") -> str:
    return _POLICY.replace("NAME", name).replace("SUBJECTS", subjects)


def test_files_that_change_while_they_are_read_are_read_again(tmp_path: Path) -> None:
    (tmp_path / "first.yaml").write_text("old")
    (tmp_path / "last.yaml").write_text("old")
    seen: list[tuple[str, str]] = []

    def read() -> tuple[str, str]:
        first = (tmp_path / "first.yaml").read_text()
        if not seen:
            (tmp_path / "first.yaml").write_text("newer")
            (tmp_path / "last.yaml").write_text("newer")
        seen.append((first, (tmp_path / "last.yaml").read_text()))
        return seen[-1]

    assert read_as_one([tmp_path], read) == ("newer", "newer")
    assert seen == [("old", "newer"), ("newer", "newer")]


def test_an_error_of_half_a_change_is_none_and_one_that_stays_is_raised(tmp_path: Path) -> None:
    readings: list[int] = []

    def read() -> str:
        readings.append(1)
        if len(readings) == 1:
            (tmp_path / "missing.yaml").touch()
            raise KeyholeError("half a change")
        return "whole"

    assert read_as_one([tmp_path], read) == "whole"

    def fail() -> str:
        readings.append(1)
        raise KeyholeError("wrong")

    readings.clear()
    with pytest.raises(KeyholeError, match="wrong"):
        read_as_one([tmp_path], fail)
    assert len(readings) == 1


def test_files_that_are_written_all_the_time_are_read_as_they_are(tmp_path: Path) -> None:
    readings: list[int] = []

    def read() -> int:
        readings.append(1)
        (tmp_path / f"{len(readings)}.yaml").touch()
        return len(readings)

    assert read_as_one([tmp_path], read) == 4


def test_a_folder_that_vanishes_during_the_look_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.yaml").touch()
    (tmp_path / "gone").mkdir()
    scandir = os.scandir

    def scan(place: Any) -> Any:
        if Path(place).name == "gone":
            Path(place).rmdir()
        return scandir(place)

    monkeypatch.setattr(os, "scandir", scan)
    assert list(fingerprint([tmp_path])) == [tmp_path / "a.yaml"]
    assert not (tmp_path / "gone").exists()


def test_stored_documents_count_and_names_that_their_reader_skips_do_not(tmp_path: Path) -> None:
    (tmp_path / ".old").mkdir()
    names = (COPY, "inner.yml", ".inner.yaml.swp.yaml", ".old/a.yaml", "other.json")
    for name in names:
        (tmp_path / name).write_text("one")
    assert set(fingerprint([tmp_path])) == {tmp_path / COPY, tmp_path / "inner.yml"}
    readings: list[str] = []

    def read() -> str:
        readings.append((tmp_path / COPY).read_text())
        if len(readings) == 1:
            (tmp_path / COPY).write_text("another")
        return readings[-1]

    assert read_as_one([tmp_path], read) == "another"
    assert readings == ["one", "another"]


def test_a_policy_and_the_token_made_before_it_are_in_force_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = DataFolder(tmp_path)
    data.make()
    data.config.write_text("clients: [127.0.0.0/8]\n")
    documents = tmp_path / "documents"
    documents.mkdir()
    (documents / "upstream.yaml").write_text(_UPSTREAM)
    (documents / "home.yaml").write_text(_policy("home"))
    changes = [1]

    def read_then_change(*given: Any) -> Any:
        known = read_trust_context(*given)
        if changes:
            changes.clear()
            create_token(data.identity, "phone")
            (documents / "phone.yaml").write_text(_policy("phone", "subjects: ['token:phone'], "))
        return known

    monkeypatch.setattr(module, "read_trust_context", read_then_change)
    compiled = compile_all(read_settings(data.config), data)
    assert [one.name for one in compiled.snapshot.subjects.tokens] == ["phone"]
    assert "phone" in {one.name for one in compiled.snapshot.policies}

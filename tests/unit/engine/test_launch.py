"""The launch document."""

from pathlib import Path

import pytest

from keyhole.engine.launch import Identity, Launch, QueryLog
from keyhole.engine.runtime import Refusal


@pytest.mark.parametrize("keep", [0, 2**26])
def test_a_launch_document_reads_back_as_it_was_written(tmp_path: Path, keep: int) -> None:
    launch = Launch(
        options={"version": 1},
        identities={"server": Identity(tmp_path / "server.pem", tmp_path / "server.key")},
        snapshot=tmp_path / "snapshot.json",
        log=QueryLog(tmp_path / "queries.jsonl", keep) if keep else None,
        drain_seconds=1.5,
    )
    launch.write(tmp_path / "launch.json")
    assert Launch.read(tmp_path / "launch.json") == launch


def test_a_missing_launch_document_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="does not exist; start with keyhole up once"):
        Launch.read(tmp_path / "launch.json")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"options": {}, "identities": 3}'])
def test_what_is_no_launch_document_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "launch.json").write_text(text)
    with pytest.raises(Refusal, match="not a launch document"):
        Launch.read(tmp_path / "launch.json")

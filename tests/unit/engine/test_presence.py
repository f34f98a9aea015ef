"""An engine shows that it runs, also if somebody had the lock when it began."""

import threading
from pathlib import Path

import pytest

from keyhole.control.data_folder import ENGINE_LOCK, DataFolder
from keyhole.control.offline_status import serves
from keyhole.engine import presence as module
from keyhole.engine.presence import Presence
from keyhole.system.lock import try_lock
from tests.world.waiting import PATIENCE


@pytest.fixture
def data(tmp_path: Path) -> DataFolder:
    folder = DataFolder(tmp_path)
    folder.make()
    return folder


def test_an_engine_that_starts_while_somebody_has_the_lock_gets_it_later(
    data: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ran without it for its whole life, and status said that no engine serves."""
    tried, taken = threading.Event(), threading.Event()

    def trying(path: Path) -> object:
        found = try_lock(path)
        (tried if found is None else taken).set()
        return found

    monkeypatch.setattr(module, "try_lock", trying)
    monkeypatch.setattr(module, "FIRST_PAUSE", 0.001)
    somebody = try_lock(data.state / ENGINE_LOCK)
    assert somebody is not None
    presence = Presence(data.state / ENGINE_LOCK)
    presence.start()
    assert tried.is_set()
    assert not presence.is_shown
    somebody.close()
    assert taken.wait(PATIENCE)
    assert serves(data)
    assert data.is_claimed()
    presence.end()
    assert not serves(data)
    assert not data.is_claimed()


def test_an_engine_that_ends_before_it_has_the_lock_takes_it_no_more(data: DataFolder) -> None:
    somebody = try_lock(data.state / ENGINE_LOCK)
    assert somebody is not None
    presence = Presence(data.state / ENGINE_LOCK)
    presence.start()
    assert "presence" in {one.name for one in threading.enumerate()}
    presence.end()
    assert "presence" not in {one.name for one in threading.enumerate()}
    somebody.close()
    assert not serves(data)


def test_an_engine_serves_in_a_folder_that_is_not_there(tmp_path: Path) -> None:
    presence = Presence(tmp_path / "gone" / ENGINE_LOCK)
    presence.start()
    assert not presence.is_shown
    presence.end()

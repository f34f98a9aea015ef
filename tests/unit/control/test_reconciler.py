"""What must not wait for a compilation: pauses and decisions."""

import asyncio
import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from keyhole.control import reconciler as module
from keyhole.control.compile import Compiled, compile_all
from keyhole.control.data_folder import DataFolder
from keyhole.control.reconciler import Reconciler
from keyhole.control.settings import read_settings
from keyhole.model.overrides import Overrides, Pause
from tests.world.follower import fake_local_engine
from tests.world.waiting import PATIENCE

_POLICY = """\
apiVersion: keyhole.dev/v1
kind: Policy
metadata: {name: base}
spec: {rules: [{block: [a.example]}]}
---
apiVersion: keyhole.dev/v1
kind: Upstream
metadata: {name: one}
spec: {protocol: dot, addresses: [192.0.2.1], serverName: dns.example.org}
"""


class SlowCompilation:
    """Compiles as ever, but ends when it is told to."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.may_end = threading.Event()

    def __call__(self, *args: Any, **kwargs: Any) -> Compiled:
        compiled = compile_all(*args, **kwargs)
        self.begun.set()
        assert self.may_end.wait(PATIENCE)
        return compiled


@pytest.fixture
def data(tmp_path: Path) -> DataFolder:
    """A data folder with one policy."""
    folder = DataFolder(tmp_path)
    folder.make()
    folder.config.write_text("clients: [127.0.0.0/8]\n")
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / "base.yaml").write_text(_POLICY)
    return folder


def _pauses(data: DataFolder) -> list[Any]:
    """The pauses in the snapshot that the engine has."""
    snapshot = json.loads(data.snapshot.read_bytes())
    return [policy["paused"] for policy in snapshot["policies"]]


def test_a_pause_acts_while_documents_are_being_compiled_and_stays_after_it(
    data: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = SlowCompilation()
    now = int(time.time())
    pause = Pause(policy=None, since=now, until=now + 3600)

    async def life() -> None:
        engine, _ = fake_local_engine(data.path)
        reconciler = Reconciler(read_settings(data.config), data, engine, lambda _: None)
        try:
            await reconciler.start()
            before = _pauses(data)
            monkeypatch.setattr(module, "compile_all", slow)
            (data.path / "documents" / "base.yaml").write_text(_POLICY.replace("[a.", "[b."))
            compiling = asyncio.create_task(reconciler.apply())
            assert await asyncio.to_thread(slow.begun.wait, 60)
            data.overrides.write_text(Overrides(pauses=[pause]).model_dump_json())
            assert await reconciler.apply_overrides() is None
            paused = _pauses(data)
            assert paused != before
            slow.may_end.set()
            assert await compiling is None
            assert "b.example" in data.snapshot.read_text()
            assert _pauses(data) == paused
        finally:
            slow.may_end.set()
            await engine.stop()

    asyncio.run(life())

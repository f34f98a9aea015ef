"""Whoever waits for lists is not told that all is done while it is not."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import cast

from keyhole.control.data_folder import DataFolder
from keyhole.control.defaults import write_defaults
from keyhole.control.list_refresh.refresher import ListRefresher
from keyhole.control.reconciler import Reconciler
from keyhole.control.settings import read_settings
from tests.world.waiting import PATIENCE


class _Reconciler:
    """One that has not begun to compile when it is told to apply."""

    is_compiling = False

    def __init__(self) -> None:
        self.applied = asyncio.Event()
        self.goes_on = asyncio.Event()

    def on_change(self, _callback: Callable[[], None]) -> None:
        """Nothing changes here."""

    async def apply(self) -> None:
        self.applied.set()
        await self.goes_on.wait()


def test_new_lists_count_as_compiling_until_they_are_applied(tmp_path: Path) -> None:
    data = DataFolder(tmp_path)
    data.make()
    write_defaults(data)

    async def follow() -> None:
        reconciler = _Reconciler()
        refresher = ListRefresher(
            read_settings(data.config), data, cast(Reconciler, reconciler), [], lambda _: None
        )
        said = [refresher.is_compiling]
        refresher._new_since = 0.0
        task = asyncio.create_task(refresher.run())
        await asyncio.wait_for(reconciler.applied.wait(), PATIENCE)
        said.append(refresher.is_compiling)
        task.cancel()
        assert said == [False, True]

    asyncio.run(follow())

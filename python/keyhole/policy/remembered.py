"""Remembers what was computed of documents, so that a change costs what it changes.

Documents that did not change are the same objects again, so two sets compare in no time.
"""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Remembered(Generic[Value]):
    """A few results, each with all that it was computed from; safe to use from several threads.

    Nobody may change a result.
    """

    def __init__(self, most: int = 4) -> None:
        self._most = most
        self._known: list[tuple[object, Value]] = []
        self._lock = threading.Lock()

    def get(self, source: object, compute: Callable[[], Value]) -> Value:
        """The result for ``source``, everything that ``compute`` depends on."""
        with self._lock:
            known = list(self._known)
        for one in known:
            if one[0] == source:
                return one[1]
        result = compute()
        with self._lock:
            self._known = [(source, result), *self._known][: self._most]
        return result

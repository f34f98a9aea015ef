"""What the log says of requests that enrollment refused: whoever sends them chooses how many."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from keyhole.model.address import connection_key

SECONDS = 60.0
"""A reason is said again after this time."""
MAX_KEYS = 256
"""Of so many networks, and of so many tokens and identities, reasons are said within this time."""
REASONS_EACH = 4
"""So many different reasons are said of each of them within this time."""

_OTHERS = "others"

Notify = Callable[[str], None]


class Refusals:
    """Says refusals at once, and sums up what it did not say.

    Those that follow a known token or identity have places of their own, by token or identity: they
    are the sign of a stolen one, and no stranger can use these places up. All others have places by
    network, so that one network does not take those of others; `MAX_KEYS` networks together can.
    """

    def __init__(self, notify: Notify, clock: Callable[[], float] = time.monotonic) -> None:
        self._networks = _Places(notify, "from", clock)
        self._known = _Places(notify, "with", clock)

    def add(self, address: str, why: str, known: str = "", *, is_throttled: bool = False) -> None:
        """A request from this address was refused; ``known`` is the token or identity that it had
        and that this Keyhole has issued. Without one, a throttled request is only counted."""
        text = f"a request from {address} was refused: {why}"
        if known:
            self._known.add(known, text)
        elif is_throttled:
            self._networks.count(connection_key(address))
        else:
            self._networks.add(connection_key(address), text)

    def sum_up(self) -> None:
        """Says how many were not said; call it each minute."""
        self._networks.sum_up()
        self._known.sum_up()


@dataclass
class _Place:
    """The minute of one key."""

    began: float
    reasons: set[str] = field(default_factory=set)


class _Places:
    """Some reasons of each key, and of a bounded number of keys."""

    def __init__(self, notify: Notify, word: str, clock: Callable[[], float]) -> None:
        """``word`` stands between the requests and the key in a sum."""
        self._notify = notify
        self._word = word
        self._clock = clock
        self._places: dict[str, _Place] = {}
        self._unsaid: Counter[str] = Counter()

    def add(self, key: str, why: str) -> None:
        """Says it where the key has room, or counts it."""
        place = self._place(key)
        if place is None or why in place.reasons or len(place.reasons) >= REASONS_EACH:
            self.count(key)
            return
        place.reasons.add(why)
        self._notify(why)

    def count(self, key: str) -> None:
        """Counts one that is not said."""
        self._unsaid[key if self._place(key) is not None else _OTHERS] += 1

    def sum_up(self) -> None:
        unsaid, self._unsaid = self._unsaid, Counter()
        for key, count in unsaid.items():
            what = "request was" if count == 1 else "requests were"
            self._notify(f"{count} more {what} refused {self._word} {key}")

    def _place(self, key: str) -> _Place | None:
        """The place of a key; none where all are taken."""
        now = self._clock()
        place = self._places.get(key)
        if place is not None and now - place.began < SECONDS:
            return place
        if len(self._places) >= MAX_KEYS:
            self._places = {
                one: place for one, place in self._places.items() if now - place.began < SECONDS
            }
        if key not in self._places and len(self._places) >= MAX_KEYS:
            return None
        self._places[key] = _Place(now)
        return self._places[key]

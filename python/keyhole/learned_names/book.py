"""Which name an address had when."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from ipaddress import ip_address
from typing import Any, Literal, get_args

from keyhole.learned_names.name import clean_name

Source = Literal["hosts", "dhcp", "reverse"]
SOURCES: tuple[Source, ...] = get_args(Source)
"""The more certain one first: a person wrote the hosts file, devices name themselves over DHCP."""
MAX_NAMES = 20_000
"""Names that are kept, all together."""
_OF_NOBODY = frozenset(["0.0.0.0", "::", "127.0.0.1", "::1"])  # noqa: S104  (nothing is bound)
"""Addresses in hosts files that are of every machine, or block a name."""
AGAIN_SECONDS = 600
"""A name that comes back within this time was there all the time: programs rewrite their lease
files in place, and a look-up may fail once."""


@dataclass(frozen=True)
class LearnedName:
    """A name of an address. Times are seconds of Unix time."""

    address: str
    name: str
    source: Source
    since: float
    until: float | None = None
    """When it ends or has ended, exclusive; none where no end is known."""

    def holds(self, at: float) -> bool:
        """Whether the address had the name at this time."""
        return self.since <= at and (self.until is None or at < self.until)


@dataclass(frozen=True)
class LearnedNames:
    """All learned names as of one moment; never changes."""

    _by_address: dict[str, tuple[LearnedName, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, names: Iterable[LearnedName]) -> "LearnedNames":
        """By address, the most certain first, and of one source the newest."""
        found: dict[str, list[LearnedName]] = {}
        for one in names:
            found.setdefault(one.address, []).append(one)
        return cls({key: tuple(sorted(ones, key=_rank)) for key, ones in found.items()})

    def __len__(self) -> int:
        return len(self._by_address)

    def at(self, address: str, moment: float) -> Iterator[LearnedName]:
        """The names that an address had at a time, in seconds of Unix time, the best first."""
        known = self._by_address.get(plain_address(address) or "", ())
        return (one for one in known if one.holds(moment))

    def called(self, name: str) -> Iterator[LearnedName]:
        """Everything that has or had this name."""
        wanted = name.lower().rstrip(".")
        for ones in self._by_address.values():
            yield from (one for one in ones if one.name == wanted)


def _rank(one: LearnedName) -> tuple[int, float]:
    return SOURCES.index(one.source), -one.since


NOTHING_LEARNED = LearnedNames()


class Book:
    """The learned names of a running Keyhole: takes what its sources say now, and keeps for a
    while what they said before."""

    def __init__(self, names: Iterable[LearnedName] = ()) -> None:
        self._names = list(names)

    def names(self) -> LearnedNames:
        """The names as of now."""
        return LearnedNames.of(self._names)

    def current(self) -> list[LearnedName]:
        """Every name that is kept."""
        return list(self._names)

    def take(self, source: Source, found: Iterable[LearnedName], now: float) -> bool:
        """Replaces all that a source says; returns whether anything is different. What it does not
        say any more has ended. A hosts file is like a document, and says nothing of before."""
        return self._merge(found, now, lambda one: one.source == source)

    def add(self, found: LearnedName, now: float) -> bool:
        """The same for one address of a source."""
        who = (found.source, found.address)
        return self._merge([found], now, lambda one: (one.source, one.address) == who)

    def _merge(
        self, found: Iterable[LearnedName], now: float, mine: Callable[[LearnedName], bool]
    ) -> bool:
        wanted: dict[tuple[str, str], LearnedName] = {}
        for one in found:
            wanted.setdefault((one.address, one.name), one)
        kept: list[LearnedName] = []
        for one in self._names:
            again = wanted.get((one.address, one.name))
            if not mine(one):
                kept.append(one)
            elif again is not None and _goes_on(one, again):
                kept.append(replace(again, since=min(one.since, again.since)))
                del wanted[one.address, one.name]
            elif one.source != "hosts":
                until = now if one.until is None else min(one.until, now)
                kept.append(replace(one, until=until))
        return self._put([*kept, *wanted.values()])

    def forget_before(self, moment: float) -> bool:
        """Removes what ended before a time: no query that is kept needs it."""
        kept = [one for one in self._names if one.until is None or one.until > moment]
        return self._put(kept)

    def _put(self, names: list[LearnedName]) -> bool:
        if len(names) > MAX_NAMES:
            # Those that hold longest stay.
            end = float("inf")
            names.sort(key=lambda one: end if one.until is None else one.until, reverse=True)
            del names[MAX_NAMES:]
        is_new = set(names) != set(self._names)
        self._names = names
        return is_new

    def to_json(self) -> list[dict[str, Any]]:
        """As a document that `names_of_json` reads."""
        return [asdict(one) for one in self._names]


def _goes_on(before: LearnedName, again: LearnedName) -> bool:
    """Whether a name is the same as before, and not one that an address has got back later."""
    return before.until is None or again.since <= before.until + AGAIN_SECONDS


def plain_address(text: str) -> str | None:
    """An address as names are kept by it; none for what is no address of one client."""
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    text = str(getattr(found, "ipv4_mapped", None) or found)
    return None if text in _OF_NOBODY else text


def names_of_json(document: Any) -> list[LearnedName]:
    """Reads `Book.to_json`; leaves out what is no learned name, and gives none for anything else.
    The file is our own, but a name that must not be shown is not shown whoever wrote it."""
    found: list[LearnedName] = []
    for one in document if isinstance(document, list) else ():
        match one:
            case {
                "address": str(address),
                "name": str(name),
                "source": "dhcp" | "hosts" | "reverse" as source,
                "since": int() | float() as since,
                "until": None | int() | float() as until,
            } if plain_address(address) == address and clean_name(name) == name:
                found.append(LearnedName(address, name, source, since, until))
    return found[:MAX_NAMES]

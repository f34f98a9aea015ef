"""Where a run takes place: one folder, fixed ports, names to ask for and names to block."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

# The address that the authority gives for every name (RFC 2544: never on the internet).
ADDRESS = "198.18.0.1"
_HOT = 1_000
_BLOCKED = 10_000
_MIXED_NAMES = 50_000
_MIXED_QUERIES = 400_000
_BLOCKED_SHARE = 0.15


@dataclass(frozen=True)
class Ports:
    """The server under measurement, the authority that all of them ask, and who takes traces."""

    dns: int = 5400
    dot: int = 5453
    doh: int = 5443
    authority: int = 5353
    health: int = 5491
    traces: int = 5493

    def of(self, transport: str) -> int:
        """Where a transport listens."""
        return {"dot": self.dot, "doh": self.doh}.get(transport, self.dns)


@dataclass(frozen=True)
class Setting:
    """What every server gets: the same list, certificate and authority."""

    folder: Path
    ports: Ports
    block_list: Path
    certificate: Path
    key: Path

    @property
    def authority(self) -> str:
        """The address of the authority."""
        return "127.0.0.1"

    def blocked_names(self) -> list[str]:
        """The names of the block list, one a line in its file."""
        lines = (line.strip() for line in self.block_list.read_text().splitlines())
        return [line for line in lines if line and not line.startswith("#")]

    def write(self, name: str, text: str) -> Path:
        """Writes a file of a server's configuration."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def queries(self, load: str) -> Path:
        """The questions of a load, as dnsperf reads them."""
        return self.folder / f"{load}.queries"


def generate_list(path: Path, count: int) -> None:
    """Writes a block list of ``count`` names, as long and deep as real ones are."""
    chance = random.Random(count)
    words = ["ads", "track", "metrics", "pixel", "stats", "beacon", "cdn", "api"]
    with path.open("w") as file:
        for number in range(count):
            host = f"{chance.choice(words)}{number % 97}."
            site = f"{chance.randbytes(chance.randint(3, 8)).hex()}{number}.example"
            file.write((host if number % 3 else "") + site + "\n")


def write_queries(setting: Setting) -> None:
    """Writes the three loads ``cached``, ``blocked`` and ``mixed``, and what fills the caches.

    Mixed names follow Zipf's law as real traffic does: few names are asked often, many once.
    """
    chance = random.Random(5300)
    blocked = setting.blocked_names()
    hot = [f"host{number}.hot.example.org" for number in range(_HOT)]
    _write(setting.queries("warm"), hot)
    _write(setting.queries("cached"), chance.choices(hot, k=_HOT * 20))
    _write(setting.queries("blocked"), chance.choices(blocked, k=_BLOCKED))
    names = [f"host{number}.site{number % 900}.example.net" for number in range(_MIXED_NAMES)]
    weights = [1 / rank for rank in range(1, _MIXED_NAMES + 1)]
    mixed = chance.choices(names, weights, k=_MIXED_QUERIES)
    for place in range(_MIXED_QUERIES):
        if chance.random() < _BLOCKED_SHARE:
            mixed[place] = chance.choice(blocked)
    _write(setting.queries("mixed"), mixed)


def _write(path: Path, names: Sequence[str]) -> None:
    path.write_text("".join(f"{name} A\n" for name in names))

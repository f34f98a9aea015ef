"""Safe search: names of search engines, and the restricted names that take their place."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal, get_args

from keyhole.model.tables import rows

Engine = Literal[
    "all", "google", "bing", "duckduckgo", "brave", "ecosia", "pixabay", "yandex"
]  # fmt: skip
YouTube = Literal["off", "moderate", "strict"]

ENGINES: tuple[str, ...] = get_args(Engine)[1:]


@dataclass(frozen=True)
class RestrictedNames:
    """A row of the table: these names get the addresses of ``target``."""

    title: str
    target: str
    names: tuple[str, ...]


@cache
def _table() -> dict[str, RestrictedNames]:
    return {
        key: RestrictedNames(f"safe search: {key}", target, tuple(names.split()))
        for key, target, names in rows("safe_search.tsv")
    }


def restricted(engines: Iterable[str], youtube: str) -> Iterator[RestrictedNames]:
    """The rows for these engines (``all`` is every one of them) and the mode of YouTube."""
    chosen = set(engines)
    for engine in ENGINES:
        if engine in chosen or "all" in chosen:
            yield _table()[engine]
    if youtube != "off":
        yield _table()[f"youtube-{youtube}"]

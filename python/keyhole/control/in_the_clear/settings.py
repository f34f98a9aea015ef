"""Items of the settings and documents: API, metrics, database, lists."""

from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from keyhole.config.sections import Config
from keyhole.control.in_the_clear.items import Mending, Subject, item
from keyhole.control.in_the_clear.model import ClearItem
from keyhole.store.protection import Weakness

_DATABASE: dict[Weakness, str] = {
    "clear": "the connection to the database is not encrypted",
    "opportunistic": "the connection to the database is encrypted only if nobody prevents it",
    "unverified": "the connection to the database is encrypted with whoever answers there",
}


def api_items(config: Config) -> Iterator[ClearItem]:
    """The API without TLS off loopback, which is possible behind a proxy alone."""
    open_ones = [
        f"http://{one}"
        for one in config.api.listen
        if not one.ip.is_loopback and not config.api.is_encrypted(one)
    ]
    if open_ones:
        what = "the API takes passwords and tokens without TLS from its proxy"
        mending = Mending(
            "Let Keyhole use TLS too, or put the proxy on this machine and listen on loopback.",
            setting="api: {tls: {use: auto}}",
        )
        yield item(Subject("api", "listen", what, mending, open_ones))


def metrics_items(config: Config) -> Iterator[ClearItem]:
    """Metrics off loopback."""
    for part in ("engine", "control"):
        listeners = getattr(config.health, part)
        open_ones = [f"http://{one}" for one in listeners if not one.ip.is_loopback]
        if open_ones:
            what = f"metrics of {part} are served over HTTP, to anybody who reaches them"
            mending = Mending(
                "Listen on loopback, and let a collector on this machine pass them on.",
                setting=f'health: {{{part}: ["127.0.0.1:{9153 if part == "engine" else 9154}"]}}',
            )
            yield item(Subject("metrics", part, what, mending, open_ones))


def database_items(weakness: Weakness | None, name: str) -> Iterator[ClearItem]:
    """A database whose connection is not protected; ``name`` is its URL without password."""
    if weakness is not None:
        mending = Mending(
            "Add sslmode=verify-full to the URL of the database, and sslrootcert with its "
            "authority.",
            setting='database: {url: "postgresql://USER@HOST/NAME?sslmode=verify-full"}',
        )
        yield item(Subject("database", "connection", _DATABASE[weakness], mending, [name]))


def list_items(urls: Iterable[tuple[str, str]]) -> Iterator[ClearItem]:
    """Lists that are downloaded over http; ``urls`` are pairs of list and URL."""
    found: dict[str, list[str]] = {}
    for name, url in urls:
        if urlsplit(url).scheme == "http":
            found.setdefault(name, []).append(url)
    for name, places in found.items():
        what = f"the list {name} is downloaded over http, so anybody on the way can change it"
        mending = Mending("Use its https URL.", f"keyhole get List {name}", None, f"List/{name}")
        yield item(Subject("list", name, what, mending, places))

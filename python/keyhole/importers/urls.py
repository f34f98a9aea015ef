"""Addresses of lists, as far as a List document takes them."""

from keyhole.importers.common_settings import Setup
from keyhole.importers.report import Kind, Report
from keyhole.model.units import DAY, SECOND, show_milliseconds
from keyhole.model.url import read_list_url

_MIN_REFRESH, _MAX_REFRESH = 300, 30 * DAY // SECOND
"""Seconds between which a List may become stale."""


def list_url(address: str) -> tuple[str, tuple[str, ...]]:
    """The URL, and what changed in it; raises ValueError where a list cannot be had by it."""
    text, mark, _ = address.strip().partition("#")
    scheme, found, _ = text.partition(":")
    if not found or scheme == "file":
        raise ValueError(
            "it is a file of that machine; copy it beside the documents and write files: instead "
            "of urls: into a List"
        )
    changes = ("the part behind # is left out, which no server sees",) if mark else ()
    return read_list_url(text), changes


def take_refresh(setup: Setup, report: Report, name: str, seconds: int | None) -> None:
    """How long a download is fresh, for all lists; none or 0 is never."""
    if not seconds or seconds < 0:
        why = "a download is fresh for a day here, and the server is then asked for a newer one"
        report.changed(Kind.SETTING, name, why)
        return
    setup.refresh = min(max(seconds, _MIN_REFRESH), _MAX_REFRESH)
    shown = f"refresh: {show_milliseconds(setup.refresh * SECOND)}"
    if setup.refresh == seconds:
        report.taken(Kind.SETTING, name, shown)
    else:
        report.changed(Kind.SETTING, name, f"{shown}; other times are not taken")

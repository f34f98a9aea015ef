"""URLs of lists, in the form that a List document accepts."""

from keyhole.importers.product_settings import Setup
from keyhole.importers.report import Kind, Report
from keyhole.model.units import DAY, SECOND, show_milliseconds
from keyhole.model.url import read_list_url

_MIN_REFRESH, _MAX_REFRESH = 300, 30 * DAY // SECOND
"""Range of seconds for the refresh interval of a List."""


def list_url(address: str) -> tuple[str, tuple[str, ...]]:
    """The URL, and what changed in it; raises ValueError where no List can have it."""
    text, mark, _ = address.strip().partition("#")
    scheme, found, _ = text.partition(":")
    if not found or scheme == "file":
        raise ValueError(
            "it is a file on that machine; copy it next to the documents and use files: instead of "
            "urls: in a List"
        )
    changes = ("the fragment (#) is dropped, which is never sent to a server",) if mark else ()
    return read_list_url(text), changes


def take_refresh(setup: Setup, report: Report, name: str, seconds: int | None) -> None:
    """Sets the refresh interval of all lists; none or 0 means never."""
    if not seconds or seconds < 0:
        why = "never is not possible; Keyhole asks for a newer version once a day"
        report.changed(Kind.SETTING, name, why)
        return
    setup.refresh = min(max(seconds, _MIN_REFRESH), _MAX_REFRESH)
    shown = f"refresh: {show_milliseconds(setup.refresh * SECOND)}"
    if setup.refresh == seconds:
        report.taken(Kind.SETTING, name, shown)
    else:
        report.changed(Kind.SETTING, name, f"{shown}; other values are not allowed")

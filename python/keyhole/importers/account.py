"""Accounts for every key of the input: each has an item of its own, or belongs to one."""

import re
from collections.abc import Iterator, Mapping

from keyhole.importers.report import Kind, Report
from keyhole.importers.settings_file import SettingsFile, above

_UNKNOWN = "the importer does not know this setting; nothing of it is in the documents"


def account(report: Report, product: str, reasons: Mapping[str, str]) -> None:
    """Reports the keys that have no item yet.

    A key that was read and changed nothing is taken: its value is what Keyhole does anyway. A key
    that was not read is left; ``reasons`` says why, by the beginning of its path.
    """
    for file in report.files:
        _account(report, file, product, reasons)


def _account(report: Report, file: SettingsFile, product: str, reasons: Mapping[str, str]) -> None:
    reported = {
        item.place.path for item in report.items if item.place and item.place.file == file.name
    }
    told: set[str] = set()
    alive = {around for path, is_read in file.leaves() if is_read for around in _around(path)}
    for path, is_read in file.leaves():
        if is_read:
            if not _is_within(path, reported):
                report.taken(Kind.SETTING, path, at=file.place(path))
            continue
        name = _whole_list(path, alive)
        if not {path, name} & (reported | told):
            told.add(name)
            report.left(Kind.SETTING, name, _reason(name, product, reasons), file.place(name))


def _around(path: str) -> Iterator[str]:
    """All lists and mappings around a path, the closest first."""
    while path := above(path):
        yield path


def _is_within(path: str, reported: set[str]) -> bool:
    """Whether an item stands at the path, or at a list or mapping around it."""
    while path and path not in reported:
        path = above(path)
    return bool(path)


def _whole_list(path: str, alive: set[str]) -> str:
    """The outermost list around a path of which nothing was read, else the path itself."""
    whole = path
    for around in (path, *_around(path)):
        if around.endswith("]") and above(around) not in alive:
            whole = above(around)
    return whole


def _reason(path: str, product: str, reasons: Mapping[str, str]) -> str:
    at = re.sub(r"\[\d+\]", "", path)
    while at:
        if at in reasons:
            return reasons[at]
        at = above(at)
    return reasons.get("", _UNKNOWN.replace("this setting", f"this setting of {product}"))

"""The use case behind ``keyhole screen replay``: a capture against the budgets of names."""

import gzip
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from keyhole.control.error import ControlError
from keyhole.engine import replay
from keyhole.model.tunneling import MAX_BUDGET, MIN_BUDGET, SplitUse, TunnelingUse
from keyhole.model.units import read_octets

_GZIP = b"\x1f\x8b"
_CLIENTS = ("client", "page")
"""Columns that say who asks; a recorded page load counts as a client."""


@dataclass(frozen=True)
class Budgets:
    """Octets of distinct names of one client below one registered domain."""

    alert: int
    throttle: int
    block: int
    day: int
    split: int = SplitUse().octets
    """Of all clients together, beside what each adds."""
    shipped: bool = True
    """Whether the domains that Keyhole ships are exempt."""


def read_budgets(sizes: Mapping[str, str | None], *, shipped: bool = True) -> Budgets:
    """The budgets of a policy, with those of ``alert``, ``block``, ``day`` and ``split`` that are
    given.

    A budget that is not given yields to those that are. Raises ControlError for what is no size,
    and for budgets that do not ascend.
    """
    default = TunnelingUse()
    try:
        given = {key: read_octets(size) for key, size in sizes.items() if size is not None}
    except ValueError as error:
        raise ControlError(str(error)) from None
    day = given.get("day", max(default.day, given.get("block", 0)))
    block = given.get("block", min(default.block, day))
    alert = given.get("alert", min(default.alert, block))
    if not 0 < alert <= block <= day <= MAX_BUDGET:
        raise ControlError(
            f"alert {alert}, block {block} and day {day} must ascend, up to {MAX_BUDGET} octets"
        )
    throttle = max(alert, min(default.throttle, block))
    split = given.get("split", default.split.octets)
    if not MIN_BUDGET <= split <= MAX_BUDGET:
        raise ControlError(f"split {split} must be {MIN_BUDGET} to {MAX_BUDGET} octets")
    return Budgets(alert, throttle, block, day, split, shipped)


def replay_capture(file: Path, budgets: Budgets) -> dict[str, Any]:
    """Counts the queries of a file as an engine would, and reports who was flagged and blocked.

    The first line names the columns: ``name``, and where known ``seconds``, ``client``, ``type``
    and ``rcode``, with tabs between. A file without tabs has one name a line: all are asked at
    once by one client. Raises ControlError for a file that cannot be read.
    """
    try:
        lines = _text(file).splitlines()
    except (OSError, EOFError, UnicodeDecodeError, gzip.BadGzipFile) as error:
        raise ControlError(f"{file} cannot be read: {error}") from None
    report = replay(asdict(budgets), "\n".join(_queries(file, lines)).encode())
    return {"file": str(file), "budgets": asdict(budgets), **report}


def _text(file: Path) -> str:
    octets = file.read_bytes()
    return (gzip.decompress(octets) if octets.startswith(_GZIP) else octets).decode()


def _queries(file: Path, lines: list[str]) -> Iterable[str]:
    """The queries in the order of their times, as the core reads them."""
    if not lines:
        raise ControlError(f"{file} is empty; give a capture with a line for each query")
    columns = lines[0].split("\t")
    if "name" not in columns:
        if len(columns) > 1:
            raise ControlError(
                f"{file} has no column name in its first line, only {', '.join(columns)}"
            )
        return (_query({"name": line.strip()}) for line in lines)
    rows = [dict(zip(columns, line.split("\t"), strict=False)) for line in lines[1:]]
    return (_query(row) for row in sorted(rows, key=_seconds))


def _seconds(row: dict[str, str]) -> float:
    try:
        return float(row.get("seconds", "0"))
    except ValueError:
        return 0.0


def _query(row: dict[str, str]) -> str:
    clients: Iterator[str] = (row[one] for one in _CLIENTS if one in row)
    name, kind = row.get("name", ""), row.get("type", "A")
    client, rcode = next(clients, "-"), row.get("rcode", "")
    return "\t".join([row.get("seconds", "0"), client, name, kind, rcode])

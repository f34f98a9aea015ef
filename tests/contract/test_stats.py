"""The statistics of a real engine have the fields and types that Python expects of them.

``python tests/contract/test_stats.py`` writes the golden document again.
"""

import json
import sys
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints, is_typeddict

from keyhole.engine import Runtime, catalogue
from keyhole.model.engine_stats import EngineStats

FOLDER = Path(__file__).parent / "golden"


def fresh_stats() -> dict[str, Any]:
    """What an engine says that has the golden options and snapshot and was asked nothing."""
    options = json.loads((FOLDER / "options.json").read_bytes())
    options["listen"] = {word: [] for word in options["listen"]} | {"doh_path": "/dns-query"}
    options["workers"] = 1
    snapshot = json.loads((FOLDER / "snapshot.json").read_bytes())
    snapshot["list_file"], snapshot["lists"] = None, []
    for policy in snapshot["policies"]:
        policy["lists"] = []
    # The golden revocation lists and client keys are no real ones.
    snapshot["upstreams"] = [
        one | {"client_identity": None, "crls": ""} for one in snapshot["upstreams"]
    ]
    for domain in snapshot["trust"]["domains"]:
        domain["crls"] = ""
    engine = Runtime(options)
    engine.commit(json.dumps(snapshot).encode())
    stats = dict(engine.stats()) | {"uptime_s": 0}
    engine.drain(0)
    return json.loads(json.dumps(stats, sort_keys=True))  # type: ignore[no-any-return]


def test_a_fresh_engine_says_exactly_the_golden_document() -> None:
    assert fresh_stats() == json.loads((FOLDER / "stats.json").read_bytes())


def misfits(value: object, kind: Any, place: str) -> list[str]:
    """The places at which a JSON value is not of this type."""
    if is_typeddict(kind):
        if not isinstance(value, dict):
            return [f"{place}: {value!r} is no {kind}"]
        fields = get_type_hints(kind)
        found = [f"{place}: {word}" for word in set(value) ^ set(fields)]
        both = sorted(set(value) & set(fields))
        return found + [one for word in both for one in misfits(value[word], fields[word], word)]
    parts = get_args(kind)
    match get_origin(kind), value:
        case (None, _):
            # A whole number is a float as well.
            fits = isinstance(value, (int, float) if kind is float else kind or NoneType)
            return [] if fits else [f"{place}: {value!r} is no {kind}"]
        case (origin, _) if origin is UnionType:
            return [] if any(not misfits(value, one, place) for one in parts) else [place]
        case (origin, list()) if origin in (list, tuple):
            kinds = parts if origin is tuple else parts * len(value)
            pairs = zip(value, kinds, strict=True)
            return [one for item, part in pairs for one in misfits(item, part, place)]
        case (_, dict()):
            return [one for item in value.values() for one in misfits(item, parts[1], place)]
    return [f"{place}: {value!r} is no {kind}"]


def test_the_typed_document_has_every_field_and_no_other() -> None:
    export = {"endpoint": "", "exported": 0, "lost": 0, "last_error": None}
    added = {"log": {"written": 0, "lost": 0}, "trace_export": export}
    assert misfits(fresh_stats() | added, EngineStats, "stats") == []
    missing = misfits(fresh_stats(), EngineStats, "stats")
    assert sorted(missing) == ["stats: log", "stats: trace_export"]
    assert misfits(fresh_stats() | added | {"uptime_s": "0"}, EngineStats, "stats")


def test_counters_handshakes_and_failures_are_words_of_the_catalogue() -> None:
    stats, tables = fresh_stats(), catalogue()

    def words(table: str) -> set[str]:
        return {row["word"] for row in tables[table]}

    assert set(stats["queries"]) == set(stats["unlogged"]) == words("transports")
    assert set(stats["totals"]) == words("counters")
    # These tables have the words that were counted.
    assert set(stats["connections"]["mesh"]) <= words("mesh_handshakes")
    assert set(stats["connections"]["closed"]) <= words("closed_connections")
    assert stats["upstreams"]
    assert all(set(one["failed"]) == words("upstream_errors") for one in stats["upstreams"])


if __name__ == "__main__":
    rows = [f'"{key}": {json.dumps(value)}' for key, value in fresh_stats().items()]
    (FOLDER / "stats.json").write_text("{\n" + ",\n".join(rows) + "\n}\n")
    sys.exit(0)

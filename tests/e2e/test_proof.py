"""What keyhole verify finds reaches the Keyhole that it is about, where people see it."""

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.world.resolver import Resolver
from tests.world.waiting import until


def _report(age: float, **verdicts: str) -> str:
    started = datetime.now(UTC) - timedelta(seconds=age)
    lines = [
        {
            "id": check.replace("_", "-"),
            "title": f"The promise of {check}",
            "threat": "surveillance",
            "standards": ["RFC 8996"],
            "tried": "TLS 1.0",
            "expected": "an alert",
            "seen": "what came",
            "verdict": verdict,
            "seconds": 0.5,
        }
        for check, verdict in verdicts.items()
    ]
    document = {"target": "from outside", "started": started.isoformat(), "lines": lines}
    return json.dumps({**document, "exit_code": 1, "counts": {}}, indent=2)


def _shown(resolver: Resolver) -> dict[str, Any]:
    found: dict[str, Any] = resolver.api("GET", "/proof").json()
    return found


def test_reports_come_by_a_pipe_and_a_broken_promise_is_seen_everywhere(
    make_resolver: Callable[[], Resolver],
) -> None:
    resolver = make_resolver().start()
    assert resolver.command("proof").returncode == 2, "nothing was proved yet"
    # As keyhole verify --watch writes them, one after the other.
    stream = "\n".join([_report(20, old_tls="pass"), _report(10, old_tls="fail", any="skip")])
    told = resolver.command("proof", "add", "--every", "1h", "-", given=stream)
    assert told.returncode == 0, told.stderr
    assert [line.split(" (")[0] for line in told.stdout.splitlines()] == [
        "from outside: 1 hold",
        "from outside: 1 broken, 1 skipped",
    ]
    seen = resolver.command("proof")
    assert (seen.returncode, "broken The promise of old_tls (old-tls)" in seen.stdout) == (1, True)
    status = resolver.command("status").stdout
    assert "from outside: the promise old-tls is broken (The promise of old_tls)" in status
    (one,) = _shown(resolver)["reports"]
    assert (one["by"][:6], one["due"] > one["received"]) == ("local:", True)
    assert resolver.command("proof", "forget", "nobody").returncode == 1
    assert resolver.command("proof", "forget", "from outside").returncode == 0
    assert "old-tls" not in resolver.command("status").stdout


def test_what_is_no_report_is_said_and_keeps_the_last_one(
    make_resolver: Callable[[], Resolver],
) -> None:
    resolver = make_resolver().start()
    resolver.command("proof", "add", "-", given=_report(5, old_tls="fail"))
    cut = _report(0, old_tls="pass")[:-20]
    for given, why in (
        (cut, "it is cut off"),
        ("", "has no report"),
        ('{"target": "x"}', "body.lines"),
        ("[1]", "it is cut off"),
        (_report(100, old_tls="pass"), "a newer report of from outside is there"),
    ):
        told = resolver.command("proof", "add", "-", given=given)
        assert (told.returncode, why in told.stderr) == (1, True), told.stderr
    assert [line["verdict"] for line in _shown(resolver)["reports"][0]["lines"]] == ["fail"]


def _of_run(folder: Path) -> list[str]:
    """The processes of a run on demand: their temporary folder lies in the data folder."""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if f"TMPDIR={folder}".encode() in (entry / "environ").read_bytes():
                found.append(entry.name)
    return found


def test_a_run_on_demand_ends_with_keyhole_and_with_all_that_it_started(
    make_resolver: Callable[[], Resolver],
) -> None:
    resolver = make_resolver().start()
    assert resolver.api("POST", "/proof/run").status_code == 202
    assert resolver.api("POST", "/proof/run").status_code == 409, "one at a time"
    resolver.wait_for(lambda: len(_of_run(resolver.folder)) > 1, "its lab starts")
    resolver.stop()
    until(lambda: not _of_run(resolver.folder), "nothing of it runs any more")

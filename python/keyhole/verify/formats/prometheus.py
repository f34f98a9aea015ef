"""Metrics as text, for the textfile collector of Prometheus' node exporter."""

from keyhole.verify.check import Verdict
from keyhole.verify.run import Report

_VALUES = {Verdict.PASS: 1, Verdict.FAIL: 0, Verdict.ERROR: 0}
_HELD, _LINES = "keyhole_verify_held", "keyhole_verify_lines"
_STARTED = "keyhole_verify_started_timestamp_seconds"


def as_prometheus(report: Report) -> str:
    """One series for each promise: 1 if it held, 0 if it did not or could not be tried. A skipped
    one has none. Ids and threats are words of ours, so nothing of a server is in a label."""
    held = [
        f'{_HELD}{{check="{line.check.id}",threat="{line.check.threat.value}"}} '
        f"{_VALUES[line.verdict]}"
        for line in report.lines
        if line.verdict in _VALUES
    ]
    counts = [f'{_LINES}{{verdict="{one.value}"}} {report.count(one)}' for one in Verdict]
    parts = [
        *_described(_HELD, "Whether a promise held when keyhole verify last tried it."),
        *held,
        *_described(_LINES, "Lines of the last report of keyhole verify, by verdict."),
        *counts,
        *_described(_STARTED, "When the last run of keyhole verify began."),
        f"{_STARTED} {int(report.started.timestamp())}",
    ]
    return "\n".join(parts) + "\n"


def _described(name: str, text: str) -> list[str]:
    return [f"# HELP {name} {text}", f"# TYPE {name} gauge"]

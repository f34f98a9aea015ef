"""JSON: one object with a list of lines. Later versions may add keys."""

import json
from typing import Any

from keyhole.verify.check import Line, Verdict
from keyhole.verify.run import Report


def as_json(report: Report) -> str:
    """The report as JSON."""
    document = {
        "target": report.target,
        "started": report.started.isoformat(),
        "exit_code": report.exit_code,
        "counts": {verdict.value: report.count(verdict) for verdict in Verdict},
        "lines": [line_document(line) for line in report.in_order_of_interest()],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def line_document(line: Line) -> dict[str, Any]:
    """One line as JSON has it."""
    one = line.check
    return {
        "id": one.id,
        "title": one.title,
        "threat": one.threat.value,
        "standards": list(one.standards),
        "tried": one.tried,
        "expected": one.expected,
        "seen": line.seen,
        "verdict": line.verdict.value,
        "seconds": round(line.seconds, 3),
    }

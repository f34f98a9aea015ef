"""SARIF 2.1.0 (OASIS): a rule for each check, and a result for each line."""

import json
from typing import Any

from keyhole import __version__
from keyhole.verify.check import Check, Line, Verdict
from keyhole.verify.run import Report

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
# Section 3.27.9: what kind of result; a level other than none only with the kind fail.
_KINDS = {
    Verdict.PASS: ("pass", "none"),
    Verdict.FAIL: ("fail", "error"),
    Verdict.SKIP: ("notApplicable", "none"),
    Verdict.ERROR: ("open", "none"),
}


def as_sarif(report: Report) -> str:
    """The report as SARIF. A check that could not be done is of the kind open, and the run then
    says that it was not successful."""
    broken = [line for line in report.lines if line.verdict is Verdict.ERROR]
    invocation: dict[str, Any] = {
        "executionSuccessful": not broken,
        "startTimeUtc": f"{report.started:%Y-%m-%dT%H:%M:%SZ}",
        "exitCode": report.exit_code,
    }
    if broken:
        invocation["toolExecutionNotifications"] = [
            {
                "level": "error",
                "message": {"text": f"{line.check.id}: {line.seen}"},
                "associatedRule": {"id": line.check.id},
            }
            for line in broken
        ]
    run = {
        "tool": {
            "driver": {
                "name": "keyhole verify",
                "semanticVersion": __version__,
                "rules": [_rule(line.check) for line in report.lines],
            }
        },
        "invocations": [invocation],
        "results": [_result(line, place, report) for place, line in enumerate(report.lines)],
    }
    document = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _rule(one: Check) -> dict[str, Any]:
    return {
        "id": one.id,
        "shortDescription": {"text": one.title},
        "fullDescription": {"text": f"Tried: {one.tried}. Expected: {one.expected}."},
        "help": {"text": f"Asked for by {', '.join(one.standards)}."},
        "properties": {"tags": ["security", one.threat.value], "standards": list(one.standards)},
    }


def _result(line: Line, place: int, report: Report) -> dict[str, Any]:
    kind, level = _KINDS[line.verdict]
    return {
        "ruleId": line.check.id,
        "ruleIndex": place,
        "kind": kind,
        "level": level,
        "message": {"text": line.seen or line.check.title},
        "locations": [
            {"logicalLocations": [{"fullyQualifiedName": report.target, "kind": "resource"}]}
        ],
    }

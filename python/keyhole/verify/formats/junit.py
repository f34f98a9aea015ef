"""JUnit XML, as Jenkins and GitLab read it: one test case for each check."""

from xml.sax.saxutils import escape, quoteattr

from keyhole.verify.check import Line, Verdict
from keyhole.verify.run import Report

_ELEMENTS = {Verdict.FAIL: "failure", Verdict.ERROR: "error", Verdict.SKIP: "skipped"}


def as_junit(report: Report) -> str:
    """The report as XML. `Line` holds no character that XML could not."""
    seconds = sum(line.seconds for line in report.lines)
    counts = (
        f'tests="{len(report.lines)}" failures="{report.count(Verdict.FAIL)}" '
        f'errors="{report.count(Verdict.ERROR)}" skipped="{report.count(Verdict.SKIP)}" '
        f'time="{seconds:.3f}"'
    )
    when = f"{report.started:%Y-%m-%dT%H:%M:%S}"
    cases = "\n".join(_case(line) for line in report.lines)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<testsuites name="keyhole verify" {counts}>\n'
        f'<testsuite name={quoteattr(report.target)} {counts} timestamp="{when}">\n'
        f"{cases}\n</testsuite>\n</testsuites>\n"
    )


def _case(line: Line) -> str:
    one = line.check
    head = (
        f"<testcase name={quoteattr(one.id)} "
        f"classname={quoteattr(f'keyhole.verify.{one.threat.name.lower()}')} "
        f'time="{line.seconds:.3f}"'
    )
    told = (
        f"{one.title}\ntried: {one.tried}\nexpected: {one.expected}\nseen: {line.seen}\n"
        f"asked for by: {', '.join(one.standards)}"
    )
    element = _ELEMENTS.get(line.verdict)
    if element is None:
        return f"{head}><system-out>{escape(told)}</system-out></testcase>"
    if line.verdict is Verdict.SKIP:
        return f"{head}><skipped message={quoteattr(line.seen)}/></testcase>"
    return (
        f"{head}><{element} message={quoteattr(line.seen)} type={quoteattr(one.threat.value)}>"
        f"{escape(told)}</{element}></testcase>"
    )

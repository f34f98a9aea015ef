"""HTML: one file without scripts or other files. All text of a server is escaped."""

from html import escape

from keyhole.verify.check import Line, Verdict
from keyhole.verify.run import Report

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem;
  color: #1b1f24; background: #fff }
table { border-collapse: collapse; width: 100% }
th, td { border-bottom: 1px solid #d0d7de; padding: .4rem .6rem; text-align: left;
  vertical-align: top; overflow-wrap: anywhere }
td:first-child { white-space: nowrap; font-weight: 600 }
small { color: #57606a }
.pass td:first-child { color: #116329 } .fail td:first-child { color: #a40e26 }
.error td:first-child { color: #953800 } .skip td:first-child { color: #57606a }
@media (prefers-color-scheme: dark) {
  body { background: #0d1117; color: #e6edf3 } small, .skip td:first-child { color: #9198a1 }
  th, td { border-color: #3d444d } .pass td:first-child { color: #3fb950 }
  .fail td:first-child { color: #f85149 } .error td:first-child { color: #db6d28 }
}
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def as_html(report: Report) -> str:
    """The report as a page that runs nothing, wherever it is opened."""
    rows = "\n".join(_row(line) for line in report.in_order_of_interest())
    counts = ", ".join(f"{report.count(one)} {one.value}" for one in Verdict if report.count(one))
    when = f"{report.started:%Y-%m-%d %H:%M:%S} UTC"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">
<meta name="viewport" content="width=device-width">
<title>keyhole verify: {escape(report.target)}</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>keyhole verify: {escape(report.target)}</h1>
<p>{escape(counts)}. Started {escape(when)}.</p>
<table>
<thead><tr><th>Verdict</th><th>Promise</th><th>Tried</th><th>Expected</th><th>Seen</th>
<th>Asked for by</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
</body>
</html>
"""


def _row(line: Line) -> str:
    one = line.check
    cells = [
        escape(line.verdict.value),
        f"{escape(one.title)}<br><small>{escape(one.id)}, {escape(one.threat.value)}</small>",
        escape(one.tried),
        escape(one.expected),
        escape(line.seen),
        "<br>".join(escape(standard) for standard in one.standards),
    ]
    body = "".join(f"<td>{cell}</td>" for cell in cells)
    return f'<tr class="{escape(line.verdict.value)}" id="{escape(one.id)}">{body}</tr>'

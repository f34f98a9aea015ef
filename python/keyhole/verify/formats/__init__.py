"""The report in the forms that people and other programs read."""

from collections.abc import Callable

from keyhole.verify.formats.html import as_html
from keyhole.verify.formats.json import as_json
from keyhole.verify.formats.junit import as_junit
from keyhole.verify.formats.prometheus import as_prometheus
from keyhole.verify.formats.sarif import as_sarif
from keyhole.verify.run import Report

FORMATS: dict[str, Callable[[Report], str]] = {
    "json": as_json,
    "html": as_html,
    "junit": as_junit,
    "sarif": as_sarif,
    "prometheus": as_prometheus,
}

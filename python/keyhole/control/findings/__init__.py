"""Findings: what the query log shows of clients that a person must look at."""

from keyhole.control.findings.collector import FindingCollector
from keyhole.control.findings.finding import LEVELS, Finding
from keyhole.control.findings.quarantine import QuarantineByPolicy
from keyhole.control.findings.service import FindingService

__all__ = ["LEVELS", "Finding", "FindingCollector", "FindingService", "QuarantineByPolicy"]

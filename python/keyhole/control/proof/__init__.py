"""Proof: what ``keyhole verify`` found of this Keyhole, kept and watched."""

from keyhole.control.proof.reports import KeptReport, ProofReports
from keyhole.control.proof.runner import ProofRunner, Run

__all__ = ["KeptReport", "ProofReports", "ProofRunner", "Run"]

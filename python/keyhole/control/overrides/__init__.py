"""Pauses of blocking, decisions about names and quarantines: stored, put in force, and ended."""

from keyhole.control.overrides.decisions import DecisionRequest, DecisionService
from keyhole.control.overrides.pauses import PauseService
from keyhole.control.overrides.quarantines import QuarantineService
from keyhole.control.overrides.store import OverrideResult, OverrideStore

__all__ = [
    "DecisionRequest",
    "DecisionService",
    "OverrideResult",
    "OverrideStore",
    "PauseService",
    "QuarantineService",
]

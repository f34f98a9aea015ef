"""Pauses of blocking and decisions about names: made, remembered, put in force, and ended."""

from keyhole.control.standing.deciding import Deciding, Wanted
from keyhole.control.standing.pausing import Pausing
from keyhole.control.standing.remembering import Remembering, Result

__all__ = ["Deciding", "Pausing", "Remembering", "Result", "Wanted"]

"""What is still unencrypted or unauthenticated, and the way to mend each of it."""

from keyhole.control.in_the_clear.model import ClearReport
from keyhole.control.in_the_clear.service import ClearService

__all__ = ["ClearReport", "ClearService"]

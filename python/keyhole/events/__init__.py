"""Events for other programs, as syslog (RFC 5424) and as JSON: how they look, and who is told.

What happened is found in ``keyhole.control.events``; nothing here knows a database or an engine.
"""

from keyhole.events.error import SendError
from keyhole.events.event import Event, Severity
from keyhole.events.queue import EventQueue, Lane

__all__ = ["Event", "EventQueue", "Lane", "SendError", "Severity"]

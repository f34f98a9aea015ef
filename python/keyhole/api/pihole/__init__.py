"""The part of Pi-hole's API, version 6, that dashboards and home automation use, below ``/api``.

Formats and words are those of Pi-hole, for its clients. What Keyhole does not have is 0 or null.
Clients send a token of Keyhole in place of Pi-hole's password.
"""

from keyhole.api.pihole.responses import PREFIX, install_errors, is_pihole
from keyhole.api.pihole.router import ROUTERS
from keyhole.api.pihole.sessions import PiholeSessions

__all__ = ["PREFIX", "ROUTERS", "PiholeSessions", "install_errors", "is_pihole"]

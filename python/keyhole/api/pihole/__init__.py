"""What dashboards and home automation use of the API of Pi-hole, version 6, below ``/api``.

Shapes and words are those of Pi-hole, so that its clients find what they expect; what Keyhole does
not have is counted as none. Whoever calls has a token of our own in place of Pi-hole's password.
"""

from keyhole.api.pihole.responses import PREFIX, install_errors, is_pihole
from keyhole.api.pihole.router import ROUTERS
from keyhole.api.pihole.sessions import PiholeSessions

__all__ = ["PREFIX", "ROUTERS", "PiholeSessions", "install_errors", "is_pihole"]

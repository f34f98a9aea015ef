"""How a client on another machine gets its certificate and keeps it: HTTPS server and client.

What is granted is decided in ``keyhole.identity``; here it travels. The server is part of
``keyhole up``, the client is ``keyhole enroll redeem`` and ``keep``. Import ``.server`` where it is
started alone: nobody else needs what it stands on.
"""

from keyhole.enrollment.error import EnrollmentError
from keyhole.enrollment.join_token import JoinToken

__all__ = ["EnrollmentError", "JoinToken"]

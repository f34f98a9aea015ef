"""Enrollment and renewal of certificates over HTTPS: server and client.

``keyhole.identity`` decides what is granted; this package transports it. The server is part of
``keyhole up``; the client is ``keyhole enroll redeem`` and ``keep``. Import ``.server`` only where
the server is started, since it has many dependencies.
"""

from keyhole.enrollment.error import EnrollmentError
from keyhole.enrollment.join_token import JoinToken

__all__ = ["EnrollmentError", "JoinToken"]

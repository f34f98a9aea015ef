"""All checks, in the order in which they run. The capture is judged last."""

from keyhole.verify.check import Check
from keyhole.verify.checks import (
    administration,
    amplification,
    bypass,
    client_certificates,
    evidence,
    malformed,
    page,
    rebinding,
    transport,
    tunnel,
    upstream,
)

ALL: tuple[Check, ...] = (
    *transport.CHECKS,
    *client_certificates.CHECKS,
    *bypass.CHECKS,
    *tunnel.CHECKS,
    *upstream.CHECKS,
    *rebinding.CHECKS,
    *amplification.CHECKS,
    *malformed.CHECKS,
    *administration.CHECKS,
    *page.CHECKS,
    *evidence.CHECKS,
)

"""Who asks for what, in the spelling of the reports."""

NIST_81 = "NIST SP 800-81r3"
"""Secure Domain Name System (DNS) Deployment Guide, revision 3."""
NIST_207 = "NIST SP 800-207 section 2.1"
"""Zero Trust Architecture: the tenets."""
CISA = "CISA Encrypted DNS Implementation Guidance"
PROTECTIVE = "NSA and CISA, Selecting a Protective DNS Service"


def rfc(number: int, section: str = "") -> str:
    """An RFC, with its section where one is meant."""
    return f"RFC {number} section {section}" if section else f"RFC {number}"

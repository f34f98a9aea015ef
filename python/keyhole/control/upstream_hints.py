"""What to look at when upstreams do not answer."""

import re


def hints_for(said: str) -> list[str]:
    """What may be behind the errors of upstreams, and what to look at; perhaps nothing."""
    return [hint for pattern, hint in _HINTS if re.search(pattern, said, re.IGNORECASE)]


_HINTS = (
    (r"no route|unreachable", "is this machine connected? `ip route` shows the ways out"),
    (
        r"refused|timed? ?out|without an answer|no answer|cannot connect",
        "a firewall may keep outgoing ports 443 (DoH) and 853 (DoT) closed; ask who runs it",
    ),
    (
        r"certificate|issuer|untrusted|not valid for",
        "serverName must be a name in the upstream's certificate; if it is, something on the way "
        "opens TLS connections, and Keyhole rightly refuses it",
    ),
    (r"expired|not valid yet|not yet valid", "is the clock of this machine right?"),
)

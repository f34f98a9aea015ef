"""Which learned names are shown: plain host names that look like nobody else."""

import re
from ipaddress import ip_address

from keyhole.errors import KeyholeError
from keyhole.model.name import read_name

_MAX_WRITTEN = 253
"""The longest host name (RFC 1123 section 2.1)."""
_LEFT_OUT = re.compile(r"['\u2019]")
"""``Anna's iPhone``: devices are called so."""
_GAPS = re.compile(r"[ _]+")
_HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*")
"""Letters, digits and hyphens alone (RFC 952): nothing that a terminal or a page acts on, and no
letters of other scripts that look like these."""
_OF_EVERY_MACHINE = (
    "localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback", "broadcasthost",
)  # fmt: skip
_OF_KEYHOLE = (
    "anonymous", "claimed", "uncounted", "address", "network", "identity", "token", "client",
)  # fmt: skip
"""What Keyhole calls clients that it cannot name."""
_WORDS = frozenset([*_OF_EVERY_MACHINE, *_OF_KEYHOLE])
_NOTHING = frozenset(["", "*", "-"])
"""What lease files write for no name."""
_ALIKE = str.maketrans({"0": "o", "1": "l", "i": "l", "5": "s", "-": None, ".": None, "/": None})
_SAME_SHAPE = (("rn", "m"), ("vv", "w"))


def clean_name(written: str) -> str | None:
    """The name as it is shown, in lower case; none for one that must not be shown, such as one with
    control characters or markup, an address, or one of more than 253 characters."""
    plain = _GAPS.sub("-", _LEFT_OUT.sub("", written.strip(" ").lower())).rstrip(".")
    if plain in _NOTHING or len(plain) > _MAX_WRITTEN or plain in _WORDS:
        return None
    if _HOST.fullmatch(plain) is None or _is_address(plain):
        return None
    try:
        read_name(plain)  # the length of each label (RFC 1035 section 2.3.4)
    except (ValueError, KeyholeError):
        return None
    return plain


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        # 10.1 and 0x7f.1 are addresses for many programs, too.
        return re.fullmatch(r"[0-9.-]+|0x[0-9a-f.x]+", name) is not None
    return True


def skeleton(name: str) -> str:
    """The same text for names that a reader takes for the same: ``payrnents-1`` and
    ``payments-l``."""
    text = name.lower()
    for pair, one in _SAME_SHAPE:
        text = text.replace(pair, one)
    return text.translate(_ALIKE)

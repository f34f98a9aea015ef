"""The platform tag of a wheel, from what its library really needs (PEP 600)."""

import platform
import re

_NEEDED = re.compile(rb"\0GLIBC_(\d+)\.(\d+)(?:\.\d+)?(?=\0)")


def platform_tag(library: bytes) -> str:
    """``manylinux_X_Y_MACHINE``: the oldest glibc that has every symbol version that the library
    names. A library that names none, such as one for musl, is tagged as one for this machine."""
    # The names of symbol versions stand in the table of strings, each between zero octets.
    needed = [(int(major), int(minor)) for major, minor in _NEEDED.findall(library)]
    machine = platform.machine()
    if not needed:
        return f"linux_{machine}"
    major, minor = max(needed)
    # pip knows no tag before 2.5.
    return f"manylinux_{major}_{max(minor, 5)}_{machine}"

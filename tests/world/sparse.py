"""Members of a tar that say more than is there: sparse files, and headers without an end."""

import tarfile


def _old(name: str, size: int) -> bytes:
    """As GNU tar wrote them first: the map stands in the header (offset 386), then the size."""
    member = tarfile.TarInfo(name)
    member.type = tarfile.GNUTYPE_SPARSE
    header = bytearray(member.tobuf(tarfile.GNU_FORMAT))
    header[386:410] = b"%011o\0%011o\0" % (size, 0)
    header[483:495] = b"%011o\0" % size
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


def _extended(name: str, headers: dict[str, str], content: bytes = b"") -> bytes:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    member.pax_headers = {f"GNU.sparse.{key}": value for key, value in headers.items()}
    return member.tobuf(tarfile.PAX_FORMAT) + content


def _pax_00(name: str, size: int) -> bytes:
    return _extended(name, {"size": str(size), "offset": str(size), "numbytes": "0"})


def _pax_01(name: str, size: int) -> bytes:
    return _extended(name, {"size": str(size), "map": f"{size},0"})


def _pax_10(name: str, size: int) -> bytes:
    headers = {"major": "1", "minor": "0", "realsize": str(size)}
    return _extended(name, headers, f"1\n{size}\n0\n".encode().ljust(512, b"\0"))


SPARSE = {"old": _old, "pax 0.0": _pax_00, "pax 0.1": _pax_01, "pax 1.0": _pax_10}
"""Makes a sparse member that holds nothing but a hole, from its name and the size of the hole."""


def huge_header(kind: str, octets: int) -> bytes:
    """A long name, or the map of a sparse file, of that size."""
    if kind == "claim":
        member = tarfile.TarInfo("name")
        member.type, member.size = tarfile.GNUTYPE_LONGNAME, octets
        return member.tobuf() + b"a" * octets
    headers = {"major": "1", "minor": "0", "realsize": "1"}
    return _extended("map", headers, f"{octets}\n".encode() + b"0\n" * (octets // 2))

"""Reads Technitium's binary files: little-endian numbers, and texts after their length."""

import ipaddress


class BinaryReader:
    """Reads octets in order; raises ValueError where the data is cut off."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._at = 0

    @property
    def is_at_end(self) -> bool:
        """Whether all octets were read."""
        return self._at == len(self._octets)

    def octets(self, count: int) -> bytes:
        taken = self._octets[self._at : self._at + count]
        if len(taken) < count:
            raise ValueError("it is cut off")
        self._at += count
        return taken

    def number(self, size: int) -> int:
        """An unsigned number of ``size`` octets."""
        return int.from_bytes(self.octets(size), "little")

    def flag(self) -> bool:
        value = self.number(1)
        if value > 1:
            raise ValueError("a flag is neither true nor false")
        return bool(value)

    def text(self) -> str:
        """A text after an octet with its length."""
        try:
            return self.octets(self.number(1)).decode()
        except UnicodeDecodeError:
            raise ValueError("a text is not UTF-8") from None

    def address(self) -> str:
        family = self.number(1)
        if family not in (1, 2):
            raise ValueError("an address has an unknown family")
        return str(ipaddress.ip_address(self.octets(4 if family == 1 else 16)))

    def network(self) -> str:
        address, length = self.address(), self.number(1)
        return str(ipaddress.ip_network(f"{address}/{length}", strict=False))

    def networks(self) -> list[str]:
        return [self.network() for _ in range(self.number(1))]

    def access_list(self) -> None:
        """Skips a list of allowed and denied networks."""
        for _ in range(self.number(1)):
            self.flag()
            self.network()

    def end_point(self) -> None:
        """Skips an address or a name with a port."""
        kind = self.number(1)
        if kind in (1, 2, 4, 5):
            self.octets(4 if kind in (1, 4) else 16)
        elif kind == 3:
            self.text()
        else:
            raise ValueError("an end point is of an unknown kind")
        self.octets(2)
        if kind > 3:
            self.text()


def expect(reader: BinaryReader, magic: bytes, versions: range) -> int:
    """The version after the magic octets; raises ValueError where either is unexpected."""
    found = reader.octets(len(magic))
    if found != magic:
        raise ValueError(f"it begins with {found!r} instead of {magic!r}")
    version = reader.number(1)
    if version not in versions:
        raise ValueError(
            f"it is of version {version}; known are {versions.start} to {versions.stop - 1}"
        )
    return version

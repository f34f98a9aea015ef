"""Reads the binary files of Technitium: numbers of little endian, and texts behind their length."""

import ipaddress


class BinaryReader:
    """Octets from front to back; raises ValueError where they end too early."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._at = 0

    @property
    def is_at_end(self) -> bool:
        """Whether all of it was read."""
        return self._at == len(self._octets)

    def octets(self, count: int) -> bytes:
        taken = self._octets[self._at : self._at + count]
        if len(taken) < count:
            raise ValueError("it ends too early")
        self._at += count
        return taken

    def number(self, size: int) -> int:
        """A number of so many octets, without sign."""
        return int.from_bytes(self.octets(size), "little")

    def flag(self) -> bool:
        value = self.number(1)
        if value > 1:
            raise ValueError("a flag is neither true nor false")
        return bool(value)

    def text(self) -> str:
        """A text behind one octet with its length."""
        try:
            return self.octets(self.number(1)).decode()
        except UnicodeDecodeError:
            raise ValueError("a text is not UTF-8") from None

    def address(self) -> str:
        family = self.number(1)
        if family not in (1, 2):
            raise ValueError("an address is of no known family")
        return str(ipaddress.ip_address(self.octets(4 if family == 1 else 16)))

    def network(self) -> str:
        address, length = self.address(), self.number(1)
        return str(ipaddress.ip_network(f"{address}/{length}", strict=False))

    def networks(self) -> list[str]:
        return [self.network() for _ in range(self.number(1))]

    def access_list(self) -> None:
        """A list of networks that are let in or not, passed over."""
        for _ in range(self.number(1)):
            self.flag()
            self.network()

    def end_point(self) -> None:
        """An address or a name with a port, passed over."""
        kind = self.number(1)
        if kind in (1, 2, 4, 5):
            self.octets(4 if kind in (1, 4) else 16)
        elif kind == 3:
            self.text()
        else:
            raise ValueError("an end point is of no known kind")
        self.octets(2)
        if kind > 3:
            self.text()


def expect(reader: BinaryReader, magic: bytes, versions: range) -> int:
    """The version behind the magic letters; raises ValueError where either is another."""
    found = reader.octets(len(magic))
    if found != magic:
        raise ValueError(f"it begins with {found!r} and not with {magic!r}")
    version = reader.number(1)
    if version not in versions:
        raise ValueError(
            f"it is of version {version}; known are {versions.start} to {versions.stop - 1}"
        )
    return version

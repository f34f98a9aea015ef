"""Addresses of clients that Pi-hole identifies by hardware address or name."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from keyhole.importers.addresses import plain_address
from keyhole.importers.hosts import HARDWARE_ADDRESS


@dataclass
class ClientAddresses:
    """The known addresses of hardware addresses and of names."""

    by_hardware: dict[str, list[str]] = field(default_factory=dict)
    by_name: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, hosts: Iterable[str], leases: Iterable[str]) -> "ClientAddresses":
        """From lines ``ADDRESS NAME...`` and static leases of dnsmasq."""
        found = cls()
        for line in hosts:
            address, *names = line.partition("#")[0].split() or [""]
            known = plain_address(address)
            for name in names if known else ():
                found.by_name.setdefault(name.lower(), []).append(str(known))
        for lease in leases:
            found._lease([part.strip() for part in lease.split(",")])
        return found

    def _lease(self, parts: list[str]) -> None:
        addresses = [known for part in parts if (known := plain_address(part.strip("[]")))]
        for part in parts:
            if HARDWARE_ADDRESS.fullmatch(part):
                self.by_hardware.setdefault(part.lower(), []).extend(addresses)

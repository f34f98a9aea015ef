"""dnsmasq: ``dnsmasq.conf`` and the files of ``dnsmasq.d``."""

from keyhole.importers.dnsmasq.read import read_dnsmasq

__all__ = ["read_dnsmasq"]

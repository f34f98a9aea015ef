"""Pi-hole: the teleporter archive of version 6 or 5, or a ``gravity.db`` alone."""

from keyhole.importers.pihole.read import read_pihole

__all__ = ["read_pihole"]

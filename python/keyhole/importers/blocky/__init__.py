"""blocky: ``config.yml``."""

from keyhole.importers.blocky.read import read_blocky

__all__ = ["read_blocky"]

"""blocky: ``config.yml``."""

from keyhole.migrate.blocky.read import read_blocky

__all__ = ["read_blocky"]

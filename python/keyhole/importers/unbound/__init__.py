"""Unbound: ``unbound.conf`` and the files of ``unbound.conf.d``."""

from keyhole.importers.unbound.read import read_unbound

__all__ = ["read_unbound"]

"""AdGuard Home: ``AdGuardHome.yaml``."""

from keyhole.importers.adguard.read import read_adguard

__all__ = ["read_adguard"]

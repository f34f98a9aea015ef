"""AdGuard Home: ``AdGuardHome.yaml``."""

from keyhole.migrate.adguard.read import read_adguard

__all__ = ["read_adguard"]

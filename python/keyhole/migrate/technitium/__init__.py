"""Technitium DNS Server: the zip of Settings, Backup."""

from keyhole.migrate.technitium.read import read_technitium

__all__ = ["read_technitium"]

"""Technitium DNS Server: the zip of Settings, Backup."""

from keyhole.importers.technitium.read import read_technitium

__all__ = ["read_technitium"]

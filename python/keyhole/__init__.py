"""Keyhole, zero-trust DNS: encrypted, authorized and explained from client to upstream."""

__version__ = "0.1.0"

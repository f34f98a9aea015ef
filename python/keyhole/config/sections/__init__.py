"""The sections of ``keyhole.yaml``, one model each, and `Config` for the whole file."""

from keyhole.config.sections.config import (
    MAX_WORKERS,
    CacheSection,
    Config,
    LimitsSection,
    LogSection,
    TlsSection,
)

__all__ = ["MAX_WORKERS", "CacheSection", "Config", "LimitsSection", "LogSection", "TlsSection"]

"""``keyhole.yaml`` as a person writes it: one model per section, and `Config` for the whole file."""

from keyhole.config.sections.config import (
    MAX_WORKERS,
    CacheSection,
    Config,
    LimitsSection,
    LogSection,
    TlsSection,
)

__all__ = ["MAX_WORKERS", "CacheSection", "Config", "LimitsSection", "LogSection", "TlsSection"]

"""What ``keyhole.yaml`` says, in the form in which the use cases need it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keyhole.engine.launch import Identity


@dataclass(frozen=True)
class Settings:
    """Settings with all defaults resolved and all paths absolute."""

    file: Path
    options: dict[str, Any]
    documents: Path
    server_identity: Identity | None
    server_names: tuple[str, ...]
    server_addresses: tuple[str, ...]

"""The options of the program itself, which stand before the name of the command."""

from dataclasses import dataclass


@dataclass
class GlobalOptions:
    """Options such as ``--server`` in ``keyhole --server URL status``."""

    server: str | None = None
    token_file: str | None = None
    ca: str | None = None


GLOBAL_OPTIONS = GlobalOptions()
"""Those of this call; the callback of the program sets them."""

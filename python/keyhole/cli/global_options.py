"""What was said of the program as a whole, before the name of the command."""

from dataclasses import dataclass


@dataclass
class GlobalOptions:
    """The options of the program itself, as in ``keyhole --server URL status``."""

    server: str | None = None
    token_file: str | None = None
    ca: str | None = None


GLOBAL_OPTIONS = GlobalOptions()
"""What was said when this program was called."""

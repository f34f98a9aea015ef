"""Commands whose argument is a name: one that begins with a hyphen is a name too."""

import re
from typing import Any

from typer.core import TyperCommand

_NAME = re.compile(r"-[^-.]\S*\.\S*")


class NameCommand(TyperCommand):
    """A command without short options, so that ``-dash.example.org`` can only be a name."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parses the arguments; such a name gets an escape (RFC 1035 section 5.1)."""
        return super().parse_args(
            ctx, [f"\\{one}" if _NAME.fullmatch(one) else one for one in args]
        )

"""The data plane: the only package that imports the native core."""

from keyhole.engine.runtime import (
    Refusal,
    Runtime,
    catalogue,
    compile_list,
    explain,
    judge,
    replay,
    search_list,
)

__all__ = [
    "Refusal",
    "Runtime",
    "catalogue",
    "compile_list",
    "explain",
    "judge",
    "replay",
    "search_list",
]

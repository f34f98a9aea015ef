"""Block and allow lists: compiles them into one file, and keeps the last good version.

The core's compiler is passed as a parameter, because only ``keyhole.engine`` imports the core.
"""

from keyhole.lists.compile import CompiledLists, compile_lists, drop_unused, lend_compiled
from keyhole.lists.core_protocol import Compile, CompileReport, CompileRequest
from keyhole.lists.plan import PlannedList, plan
from keyhole.lists.sanity_check import lost_lines

__all__ = [
    "Compile",
    "CompileReport",
    "CompileRequest",
    "CompiledLists",
    "PlannedList",
    "compile_lists",
    "drop_unused",
    "lend_compiled",
    "lost_lines",
    "plan",
]

"""Block and allow lists: from files to one compiled file, with the last good version kept.

The compiler itself is the core's; it comes in as a parameter, because only ``keyhole.engine``
imports the core.
"""

from keyhole.lists.compile import CompiledLists, compile_lists, drop_unused
from keyhole.lists.core_protocol import Compile, CompileReport, CompileRequest
from keyhole.lists.plan import PlannedList, plan

__all__ = [
    "Compile",
    "CompileReport",
    "CompileRequest",
    "CompiledLists",
    "PlannedList",
    "compile_lists",
    "drop_unused",
    "plan",
]

"""Compiles checked documents into the snapshot for the engine.

===============  ==================================================================
``whole``        the snapshot, put together
``upstreams``    who is asked, and in which order
``policies``     rules and lists with everything that is included
``schedules``    when rules act; ``zones`` finds the offsets from UTC
``subjects``     which policy speaks for whom
``trust``        whose certificates are believed
===============  ==================================================================
"""

from keyhole.policy.compile.policies import lists_in_use
from keyhole.policy.compile.snapshot import Compiled, compile_documents

__all__ = ["Compiled", "compile_documents", "lists_in_use"]

"""Compiles checked documents into the snapshot for the engine.

===============  ==================================================================
``whole``        the snapshot, put together
``upstreams``    upstreams and their order
``policies``     rules and lists, with included ones
``schedules``    when rules apply; ``zones`` finds the offsets from UTC
``subjects``     the policy of each subject
``trust``        trusted certificate authorities
===============  ==================================================================
"""

from keyhole.policy.compile.policies import lists_in_use
from keyhole.policy.compile.snapshot import Compiled, compile_documents

__all__ = ["Compiled", "compile_documents", "lists_in_use"]

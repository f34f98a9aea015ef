"""Pauses and decisions, applied to a compiled snapshot.

They change no documents. They are added and removed without reading documents, so an invalid
document does not prevent it.
"""

from keyhole.policy.overrides.overlay import lay_over
from keyhole.policy.overrides.scope import Scope, scope_of, unknown_policy

__all__ = ["Scope", "lay_over", "scope_of", "unknown_policy"]

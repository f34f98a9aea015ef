"""Pauses and decisions, laid over a snapshot that documents gave.

They change nothing in the documents: what people decided for a while is put in and taken out again
without reading any document, and a document that is not valid keeps nobody from it.
"""

from keyhole.policy.overrides.overlay import lay_over
from keyhole.policy.overrides.scope import Scope, scope_of, unknown_policy

__all__ = ["Scope", "lay_over", "scope_of", "unknown_policy"]

"""Pauses and decisions, laid over a snapshot that documents gave.

They change nothing in the documents: what people decided for a while is put in and taken out again
without reading any document, and a document that is not valid keeps nobody from it.
"""

from keyhole.policy.standing.overlay import lay_over
from keyhole.policy.standing.reach import Reach, reach, unknown_policy

__all__ = ["Reach", "lay_over", "reach", "unknown_policy"]

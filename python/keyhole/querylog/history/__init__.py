"""The history of queries: what the engine wrote down, as Parquet files that can be searched.

The engine's bounded log (``keyhole.querylog``) is what comes in. It is cut into segments, one file
of rows each, with what a search and a statistic want to know about it beside it; nothing is ever
changed in a segment, but that after a time it may be forgotten who asked. Whoever kills this
process loses nothing: what is not in a segment yet is still in the engine's log.
"""

from keyhole.querylog.history.criteria import Criteria
from keyhole.querylog.history.history import History
from keyhole.querylog.history.retain import Retention
from keyhole.querylog.history.search import Row, SearchPage
from keyhole.querylog.history.statistics import Statistics, Top

__all__ = ["Criteria", "History", "Retention", "Row", "SearchPage", "Statistics", "Top"]

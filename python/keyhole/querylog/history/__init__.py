"""The history of queries: searchable Parquet files made from the engine's query log.

The engine's log is bounded in size. Its lines are cut into segments: a file of rows each, with
files of names and counts beside it. Segments do not change, except that clients are removed after a
time. A killed process loses nothing: what is in no segment yet is still in the engine's log.
"""

from keyhole.querylog.history.askers import Activity, Asker, AskerRow, Claims
from keyhole.querylog.history.client_set import ClientSet, Lease
from keyhole.querylog.history.criteria import Criteria
from keyhole.querylog.history.edges import EdgeCriteria, EdgeRow
from keyhole.querylog.history.histogram import Histogram
from keyhole.querylog.history.history import History
from keyhole.querylog.history.questions import LoggedQuestion, Questions
from keyhole.querylog.history.retain import Retention
from keyhole.querylog.history.search import Row, SearchPage
from keyhole.querylog.history.statistics import Statistics, Top
from keyhole.querylog.history.top_values import TopValue, TopValues

__all__ = [
    "Activity",
    "Asker",
    "AskerRow",
    "Claims",
    "ClientSet",
    "Criteria",
    "EdgeCriteria",
    "EdgeRow",
    "Histogram",
    "History",
    "Lease",
    "LoggedQuestion",
    "Questions",
    "Retention",
    "Row",
    "SearchPage",
    "Statistics",
    "Top",
    "TopValue",
    "TopValues",
]

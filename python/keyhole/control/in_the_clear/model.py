"""What is in the clear, as it is answered."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from keyhole.graph.model import OpenReason, Share

ClearKind = Literal[
    "listener", "client", "unlogged", "upstream", "api", "metrics", "database", "list"
]


class ClearUser(BaseModel):
    """A client that used something in the clear."""

    id: str = Field(description="The ID of the client.")
    label: str = Field(description="A short name.")
    queries: int = Field(description="Its queries.")
    last: datetime | None = Field(description="Its last one; null if it is not known.")


class ClearItem(BaseModel):
    """One thing that is not encrypted or not authenticated."""

    id: str = Field(description="Stays the same from answer to answer.")
    kind: ClearKind = Field(
        description="listener: it takes queries that are not encrypted. client: it is served "
        "without a proof of who it is. unlogged: nothing is known of these queries. upstream: it "
        "is asked without TLS. api, metrics: they are served without TLS off loopback. database: "
        "its connection is not protected. list: it is downloaded without TLS."
    )
    name: str = Field(description="What it is, in short: a transport, a client, a document.")
    what: str = Field(description="What is in the clear, as a sentence.")
    places: list[str] = Field(description="Its addresses or URLs.")
    queries: int | None = Field(description="Queries in the time span; null where it carries none.")
    last: datetime | None = Field(description="The last of them; null if there is none.")
    reasons: list[OpenReason] = Field(
        description="Why the locks of these queries are open, as in the graph."
    )
    users: list[ClearUser] = Field(description="The clients that used it, the busiest first.")
    more_users: int = Field(description="Clients that used it and are not named.")
    mend: str = Field(description="The way to mend it, as a sentence.")
    command: str | None = Field(description="A command that mends it or begins to.")
    setting: str | None = Field(description="What to write into keyhole.yaml, as YAML.")
    document: str | None = Field(description="The document to change, as Kind/name.")


class ClearReport(BaseModel):
    """All that is in the clear; nothing is if there are no items."""

    since: datetime = Field(description="The start of the time span.")
    until: datetime = Field(description="The end of the time span, exclusive.")
    queries: int = Field(description="All queries in the time span, as in the statistics.")
    open: int = Field(description="Those that were not encrypted or not authenticated.")
    turned_away: int = Field(
        description="Those of the open ones that were refused or dropped, so nobody was served."
    )
    unknown: int = Field(
        description="Those without a row in the log, of which is not known whether they were "
        "protected. They are not open, and in none of the two shares."
    )
    encrypted_share: Share = Field(
        description="Share of queries that was encrypted, of those where that is known."
    )
    authenticated_share: Share = Field(
        description="Share of queries whose client proved who it is, of those where that is known."
    )
    reasons: list[OpenReason] = Field(
        description="Why, by word; the same numbers as on the edges of the graph."
    )
    items: list[ClearItem] = Field(description="What to mend, the most used first.")
    left_out: int = Field(description="Clients in the clear that are too many to be listed.")

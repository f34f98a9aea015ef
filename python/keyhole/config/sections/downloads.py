"""The section ``downloads`` of ``keyhole.yaml``: downloads of lists."""

from typing import Annotated

from pydantic import Field

from keyhole.model.address import NETWORK, Network
from keyhole.model.field_types import Section
from keyhole.model.units import GIB, MIB, MINUTE, SECOND, octets, seconds


class DownloadsSection(Section):
    """How lists are downloaded. Requests to private addresses and to this machine are refused, so
    that a document cannot send requests into the local network (SSRF)."""

    allow: Annotated[tuple[Annotated[Network, NETWORK], ...], Field(max_length=64)] = Field(
        (),
        description="Private networks that are allowed, for an internal list server, such as "
        "192.0.2.0/24.",
    )
    ca: str | None = Field(
        None,
        min_length=1,
        description="PEM file, beside this file, with additional root certificates for list "
        "servers.",
        examples=["list-server-root.pem"],
    )
    size: Annotated[int, octets(MIB, GIB)] = Field(
        256 * MIB, description="Maximum size of a list, after decompression."
    )
    time: Annotated[int, seconds(5, 3600)] = Field(
        5 * MINUTE // SECOND, description="Maximum time of one download."
    )

"""The section of ``keyhole.yaml`` about downloads of lists."""

from typing import Annotated

from pydantic import Field

from keyhole.model.address import NETWORK, Network
from keyhole.model.field_types import Section
from keyhole.model.units import GIB, MIB, MINUTE, SECOND, octets, seconds


class DownloadsSection(Section):
    """How lists are downloaded. Private addresses and our own are never asked, so that a document
    cannot make Keyhole knock on the doors of its own network."""

    allow: Annotated[tuple[Annotated[Network, NETWORK], ...], Field(max_length=64)] = Field(
        (),
        description="Private networks that are asked all the same, for a list server of one's own, "
        "such as 192.0.2.0/24.",
    )
    ca: str | None = Field(
        None,
        min_length=1,
        description="PEM file, beside this file, with further roots that may vouch for a list "
        "server.",
        examples=["list-server-root.pem"],
    )
    size: Annotated[int, octets(MIB, GIB)] = Field(
        256 * MIB, description="Size of the largest list, after decompression."
    )
    time: Annotated[int, seconds(5, 3600)] = Field(
        5 * MINUTE // SECOND, description="Time that one download may take."
    )

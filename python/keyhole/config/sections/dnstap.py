"""The section of ``keyhole.yaml`` about dnstap, a form in which other programs read queries."""

from typing import Annotated

from pydantic import Field, field_validator

from keyhole.model.address import read_endpoint
from keyhole.model.field_types import Section, count
from keyhole.model.units import GIB, MIB, octets


class DnstapSection(Section):
    """Queries for programs that read dnstap, as far as the query log tells of them (spec.log of the
    policy counts). Neither file nor socket: nothing is written."""

    file: str | None = Field(
        None,
        min_length=1,
        description="File, beside this one, to write Frame Streams into; the older half is the "
        "same name with .1 behind it.",
        examples=["log/queries.dnstap"],
    )
    size: Annotated[int, octets(MIB, 1024 * GIB)] = Field(
        64 * MIB, description="Room for the file and its older half together."
    )
    socket: str | None = Field(
        None,
        min_length=1,
        description="Who is sent Frame Streams: the path of a Unix socket, beside this file, or an "
        "address with port on loopback. What is sent is not encrypted, so it does not leave the "
        "machine.",
        examples=["/run/collector/dnstap.sock"],
    )
    queue: Annotated[int, count(100, 1_000_000)] = Field(
        20_000,
        description="Messages that wait for a slow or absent reader; more are dropped and counted.",
    )
    identity: str | None = Field(
        None,
        min_length=1,
        max_length=255,
        description="What the messages call this server; its host name if left out.",
        examples=["resolver-1"],
    )

    @field_validator("socket")
    @classmethod
    def _stays_here(cls, value: str | None) -> str | None:
        if value is None or is_path(value):
            return value
        endpoint = read_endpoint(value)
        if not endpoint.port:
            raise ValueError(f"{value} has no port; write {endpoint.address} with one, or a path")
        if not endpoint.ip.is_loopback:
            raise ValueError(
                f"{value} is not a loopback address; what is sent is not encrypted, so give a "
                "collector on this machine and have it send on"
            )
        return value


def is_path(socket: str) -> bool:
    """Whether a socket is written as a path, rather than as an address with port."""
    return "/" in socket

"""The section ``dnstap`` of ``keyhole.yaml``: queries as messages for other programs."""

from typing import Annotated

from pydantic import Field, field_validator

from keyhole.model.address import read_endpoint
from keyhole.model.field_types import Section, count
from keyhole.model.units import GIB, MIB, octets


class DnstapSection(Section):
    """Queries for programs that read dnstap, made from the query log (spec.log of the policy
    applies). Without file and socket, nothing is written."""

    file: str | None = Field(
        None,
        min_length=1,
        description="File, beside this one, for Frame Streams. The older half has the same name "
        "with .1 at its end.",
        examples=["log/queries.dnstap"],
    )
    size: Annotated[int, octets(MIB, 1024 * GIB)] = Field(
        64 * MIB, description="Maximum size of the file and its older half together."
    )
    socket: str | None = Field(
        None,
        min_length=1,
        description="Receiver of Frame Streams: the path of a Unix socket, beside this file, or an "
        "address with port on loopback. The messages are not encrypted, so they do not leave the "
        "machine.",
        examples=["/run/collector/dnstap.sock"],
    )
    queue: Annotated[int, count(100, 1_000_000)] = Field(
        20_000,
        description="Messages that wait for a slow or absent receiver; more are dropped and "
        "counted.",
    )
    identity: str | None = Field(
        None,
        min_length=1,
        max_length=255,
        description="The identity of this server in the messages; its host name if left out.",
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
                f"{value} is not a loopback address; the messages are not encrypted, so give a "
                "collector on this machine and let it forward them"
            )
        return value


def is_path(socket: str) -> bool:
    """Whether a socket is written as a path, rather than as an address with port."""
    return "/" in socket

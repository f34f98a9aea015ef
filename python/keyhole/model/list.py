"""``kind: List``: files full of names, to block or to allow."""

from typing import Annotated, Literal

from pydantic import Field

from keyhole.model.written import FLAG, Spec

Format = Literal["auto", "hosts", "domains", "wildcard", "adblock", "dnsmasq", "unbound", "rpz"]


class ListSpec(Spec):
    """Files full of names, to block or to allow."""

    kind: Literal["block", "allow"] = Field("block", description="What a hit means.")
    files: list[Annotated[str, Field(min_length=1)]] = Field(
        min_length=1,
        max_length=256,
        description="Files with the names, relative to the folder of this document.",
    )
    format: Format = Field("auto", description="How the files are written; auto looks at each.")
    guard: Annotated[bool, FLAG] = Field(
        True,
        description="Whether the last good version stays in use when the new one is empty, or "
        "absurdly smaller or larger.",
    )

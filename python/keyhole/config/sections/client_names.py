"""The section ``client_names`` of ``keyhole.yaml``: files that know the names of clients."""

from typing import Annotated

from pydantic import Field, field_validator

from keyhole.model.field_types import FLAG, Section

MAX_FILES = 16
_File = Annotated[str, Field(min_length=1)]


class ClientNamesSection(Section):
    """Names of clients that other programs know, for those that no Client document names. They are
    shown with their source, and decide nothing."""

    dhcp: tuple[_File, ...] = Field(
        (),
        max_length=MAX_FILES,
        description="DHCP lease files, beside this file: of dnsmasq, ISC dhcpd, Kea (memfile) or "
        "systemd-networkd. They are watched.",
        examples=["[/var/lib/misc/dnsmasq.leases]"],
    )
    hosts: tuple[_File, ...] = Field(
        (),
        max_length=MAX_FILES,
        description="Hosts files, beside this file, such as /etc/hosts. They are watched.",
        examples=["[/etc/hosts]"],
    )
    reverse: Annotated[bool, FLAG] = Field(
        True,
        description="Whether private addresses that asked are looked up (PTR), where an Upstream "
        "with domains covers their reverse names. No other upstream is asked for them.",
    )

    @field_validator("dhcp", "hosts", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value

"""Names of clients that other programs know: DHCP leases, hosts files, reverse look-ups.

They only tell people who asked. No policy and no permission ever looks at one: whoever asks a DHCP
server for an address chooses the name.
"""

from keyhole.learned_names.book import (
    NOTHING_LEARNED,
    Book,
    LearnedName,
    LearnedNames,
    Source,
    names_of_json,
    plain_address,
)
from keyhole.learned_names.error import NamesFileError
from keyhole.learned_names.hosts import read_hosts
from keyhole.learned_names.leases import read_leases
from keyhole.learned_names.name import clean_name, skeleton

__all__ = [
    "NOTHING_LEARNED",
    "Book",
    "LearnedName",
    "LearnedNames",
    "NamesFileError",
    "Source",
    "clean_name",
    "names_of_json",
    "plain_address",
    "read_hosts",
    "read_leases",
    "skeleton",
]

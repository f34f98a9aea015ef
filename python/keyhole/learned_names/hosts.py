"""Hosts files (hosts(5)): an address, its name, and further names of it."""

from collections.abc import Iterator
from ipaddress import ip_address

from keyhole.learned_names.book import LearnedName, plain_address
from keyhole.learned_names.error import NamesFileError
from keyhole.learned_names.name import clean_name


def read_hosts(text: str) -> list[LearnedName]:
    """The first name of each address that can be shown. Raises `NamesFileError` for a text most of
    whose lines begin with no address."""
    found: dict[str, LearnedName] = {}
    lines = wrong = 0
    for words in _lines(text):
        lines += 1
        if not _begins_with_address(words):
            wrong += 1
            continue
        address = plain_address(words[0])
        name = next((clean for one in words[1:] if (clean := clean_name(one))), None)
        if address is not None and name is not None:
            found.setdefault(address, LearnedName(address, name, "hosts", 0.0))
    if 2 * wrong > lines:
        raise NamesFileError(
            f"{wrong} of {lines} lines begin with no address, so it is no hosts file"
        )
    return list(found.values())


def _lines(text: str) -> Iterator[list[str]]:
    for line in text.split("\n"):
        words = line.partition("#")[0].split()
        if words:
            yield words


def _begins_with_address(words: list[str]) -> bool:
    try:
        ip_address(words[0].partition("%")[0])
    except ValueError:
        return False
    return True

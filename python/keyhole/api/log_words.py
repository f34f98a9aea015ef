"""Words of the query log as parameters of a request: one that there is not is an error, and not a
search that finds nothing."""

import re
from collections.abc import Callable, Collection
from ipaddress import ip_address
from typing import Annotated

from fastapi import Query
from pydantic import AfterValidator

from keyhole.engine.runtime import catalogue
from keyhole.model.suggestion import not_valid

_ANY_TYPE = re.compile(r"TYPE([0-9]{1,5})")
"""A record type by its number (RFC 3597 section 5)."""
_TYPES: dict[str, int] = catalogue()["record_types"]


def _words(group: str) -> list[str]:
    return [row["word"] for row in catalogue()[group]]


def _one_of(words: Collection[str]) -> Callable[[str | None], str | None]:
    def check(word: str | None) -> str | None:
        if word is not None and word not in words:
            raise ValueError(not_valid(word, words))
        return word

    return check


def _record_type(word: str | None) -> str | None:
    """As the log writes it: by its name where it has one."""
    if word is None or word.upper() in _TYPES:
        return word and word.upper()
    found = _ANY_TYPE.fullmatch(word.upper())
    if found is None or int(found[1]) > 0xFFFF:
        raise ValueError(not_valid(word, _TYPES))
    number = int(found[1])
    return next((name for name, one in _TYPES.items() if one == number), f"TYPE{number}")


def _address(text: str | None) -> str | None:
    try:
        return None if text is None else str(ip_address(text))
    except ValueError:
        raise ValueError(
            f"{text} is not an address; give one such as 192.0.2.1 or 2001:db8::1"
        ) from None


OUTCOMES = _words("outcomes")
Outcome = Annotated[
    str | None,
    Query(max_length=16, description=f"Only queries with this outcome: {', '.join(OUTCOMES)}."),
    AfterValidator(_one_of(OUTCOMES)),
]
TRANSPORTS = _words("transports")
Transport = Annotated[
    str | None,
    Query(max_length=16, description=f"Only queries over this one: {', '.join(TRANSPORTS)}."),
    AfterValidator(_one_of(TRANSPORTS)),
]
Reason = Annotated[
    str | None,
    Query(max_length=64, description="Only queries with this reason; see the list of reasons."),
    AfterValidator(_one_of(_words("reasons"))),
]
RecordType = Annotated[
    str | None,
    Query(max_length=16, description="Only queries for this record type, such as AAAA or TYPE65."),
    AfterValidator(_record_type),
]
Address = Annotated[
    str | None,
    Query(max_length=64, description="The address it came from, whoever the client is."),
    AfterValidator(_address),
]

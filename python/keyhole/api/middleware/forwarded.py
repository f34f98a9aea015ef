"""Reads the header Forwarded (RFC 7239), by which proxies name a client."""

import re
from collections.abc import Iterable

_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_QUOTED = r'"(?:[^"\\]|\\.)*"'
# Section 4: elements with a comma between them, of pairs with a semicolon between them.
_PAIR = re.compile(rf"({_WORD})=({_WORD}|{_QUOTED})")
_ESCAPED = re.compile(r"\\(.)")
_UNREADABLE = ([""], [""])


def read_forwarded(headers: Iterable[str]) -> tuple[list[str], list[str]] | None:
    """The addresses in ``for`` and the words in ``proto``, in order; none without the header.

    What is not written as the RFC says gives an address and a word that no caller accepts.
    """
    text = ",".join(headers)
    if not text.strip():
        return None
    hops: list[str] = []
    schemes: list[str] = []
    at, names = 0, set[str]()
    while at < len(text):
        if text[at] in " \t;":
            at += 1
            continue
        if text[at] == ",":
            at, names = at + 1, set()
            continue
        pair = _PAIR.match(text, at)
        if pair is None or (name := pair[1].lower()) in names:
            return _UNREADABLE
        at = pair.end()
        if at < len(text) and text[at] not in " \t;,":
            return _UNREADABLE
        names.add(name)
        value = _ESCAPED.sub(r"\1", pair[2][1:-1]) if pair[2].startswith('"') else pair[2]
        if name == "for":
            hops.append(value)
        elif name == "proto":
            schemes.append(value)
    return hops, schemes

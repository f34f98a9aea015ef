"""Tells patterns over addresses from patterns over names.

AdGuard Home applies a rule to the name that is asked and to each address of the answer. A rule in
Keyhole is about names: as one, such a pattern would match nothing, or names that nobody meant.
"""

import ipaddress
import re

_ANCHORS = "|^*"
# Parts of an address: numbers, dots and stars; or with a colon, which no name has.
_FOUR = re.compile(r"(?=.*\d)(?=.*\.)[\d.*]+")
_SIX = re.compile(r"(?=.*:)[0-9a-f:.*]+", re.IGNORECASE)
# What may stand for digits in an expression.
_DIGITS = re.compile(r"\\d|\[0-9\]|\[\d-\d\]")
_NUMBERS_ALONE = re.compile(r"[0-9.()|?:*+{},^$\[\]-]*")


def is_about_addresses(pattern: str) -> bool:
    """Whether the pattern of a rule, without its modifiers, is one over addresses."""
    if pattern.startswith("/") and pattern.endswith("/") and len(pattern) > 2:
        return _is_expression_of_numbers(pattern[1:-1])
    text = pattern.strip(_ANCHORS).removeprefix("[").removesuffix("]")
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return bool(_FOUR.fullmatch(text) or _SIX.fullmatch(text))
    return True


def _is_expression_of_numbers(text: str) -> bool:
    """Whether it has dots between numbers and no letter, as ``^10\\.0\\.`` does."""
    plain = _DIGITS.sub("0", text.replace(r"\.", ",,").replace("[.]", ",,"))
    return plain.count(",,") > 1 and _NUMBERS_ALONE.fullmatch(plain) is not None

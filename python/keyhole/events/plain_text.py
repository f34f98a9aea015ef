"""Text that a person or another program reads, out of text that an attacker may have chosen."""

import unicodedata


def plain(text: str, most: int | None = None) -> str:
    """The text without control characters: each is written as ``\\u000a``.

    So nobody writes a line, a color or a reversed name into a log. That goes for characters that
    cannot be seen (categories Cc, Cf, Cs, Co and Cn) and for separators of lines. At most ``most``
    characters are kept, and ``...`` stands for the rest.
    """
    kept = text if most is None or len(text) <= most else f"{text[:most]}..."
    if kept.isascii() and kept.isprintable():
        return kept
    return "".join(map(_shown, kept))


def _shown(one: str) -> str:
    category = unicodedata.category(one)
    if category[0] != "C" and category not in ("Zl", "Zp"):
        return one
    number = ord(one)
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"

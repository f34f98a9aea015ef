"""Character sets, ``[...]``, of other products, in which a ``[`` is literal."""

import re

from keyhole.model.expression_set import CLASSES

_ESCAPED = r"\]^-[&~"
"""Characters with a special meaning inside of Keyhole's sets."""


class SetReader:
    """Reads one set and writes it in Keyhole's syntax."""

    def __init__(self, text: str, at: int, *, backslash_is_plain: bool) -> None:
        self._text = text
        self.at = at
        """The position behind what was read."""
        self.has_capitals = False
        self.plain_backslash = False
        """Whether the set holds a backslash that is literal there."""
        self._backslash_is_plain = backslash_is_plain

    def read(self) -> str:
        """The set in Keyhole's syntax; raises ValueError with the reason."""
        self.at += 1
        negated = self._skip("^")
        parts: list[str] = []
        is_first = True
        while is_first or self._here() != "]":
            parts.append(self._part())
            is_first = False
        self.at += 1
        if not any(parts):
            raise ValueError("it has a set of characters that no name contains")
        return f"[{'^' if negated else ''}{''.join(parts)}]"

    def _here(self) -> str:
        if self.at >= len(self._text):
            raise ValueError("it has a [ without its ]")
        return self._text[self.at]

    def _skip(self, text: str) -> bool:
        if not self._text.startswith(text, self.at):
            return False
        self.at += len(text)
        return True

    def _part(self) -> str:
        if self._text.startswith(("[:", "[=", "[."), self.at):
            return self._named_class()
        low = self._character()
        if len(low) > 1:
            return low  # a class such as \d, which cannot begin a range
        behind = self._text[self.at + 1 : self.at + 2]
        if self._text.startswith("-", self.at) and behind not in ("", "]"):
            self.at += 1
            return self._range(low, self._character())
        if low == "\\":
            return ""  # no name contains a backslash
        return _plain(low)

    def _range(self, low: str, high: str) -> str:
        if len(high) > 1 or ord(low) > ord(high):
            raise ValueError(f"{low}-{high} is not a range of characters")
        return f"{_plain(low)}-{_plain(high)}"

    def _character(self) -> str:
        """One character, or an escaped class such as ``\\d``."""
        character = self._here()
        self.at += 1
        if character != "\\":
            self.has_capitals |= character.isupper()
            return character
        if self._backslash_is_plain:
            self.plain_backslash |= self._here().isalnum() or self._here() == "-"
            return character
        following = self._here()
        self.at += 1
        if following in "dDwWsS":
            return f"\\{following}"
        if following.isalnum():
            raise ValueError(f"Keyhole has no equivalent of \\{following} in a set")
        return following

    def _named_class(self) -> str:
        found = re.compile(r"\[:(\^?)([a-z]+):\]").match(self._text, self.at)
        if found is None and not self._text.startswith("[:", self.at):
            raise ValueError("it has a collating symbol or an equivalence class")
        if found is None:
            return _plain(self._character())
        if found[2] not in CLASSES:
            raise ValueError(f"there is no class [:{found[2]}:]")
        self.at = found.end()
        self.has_capitals |= found[2] == "upper"
        # Names are lower case when they are matched, so capitals would mislead a reader.
        written = CLASSES[found[2]].replace("A-Z", "a-z" if found[2] == "upper" else "")
        return found[0] if found[1] else written.replace("A-F", "")


def _plain(character: str) -> str:
    return f"\\{character}" if character in _ESCAPED else character

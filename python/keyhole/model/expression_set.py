"""Sets of characters in an expression, ``[...]``, as the core reads them.

There a set may contain other sets, ``[a-z[0-9]]``, operators ``&&``, ``--`` and ``~~``, and POSIX
classes such as ``[:alpha:]``. Python supports none of these.
"""

from dataclasses import dataclass

# The classes of POSIX, as they stand inside of a set (IEEE 1003.1, 7.3.1, the POSIX locale).
CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": r"\x00-\x7f",
    "blank": r"\t ",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\t\n\v\f\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}
_OPERATORS = ("&&", "--", "~~")


@dataclass(frozen=True)
class CharacterSet:
    """A parsed set."""

    end: int
    """The index of the first character after it."""
    has_capitals: bool
    """Whether it needs capital letters."""
    for_python: str | None
    """The same set for Python; none if Python has no such set."""


def read_set(text: str, at: int) -> CharacterSet:
    """Parses the set that begins at ``text[at]``; raises ValueError if it does not end."""
    return _SetReader(text, at).read()


class _SetReader:
    def __init__(self, text: str, at: int) -> None:
        self._text = text
        self._at = at
        self._depth = 0
        self._has_capitals = False
        self._holds_another = False
        self._is_known_to_python = True
        self._python: list[str] = []

    def read(self) -> CharacterSet:
        self._open()
        while self._depth:
            self._step(self._here())
        python = "".join(self._python) if self._is_known_to_python else None
        return CharacterSet(self._at, self._has_capitals, python)

    def _here(self) -> str:
        if self._at >= len(self._text):
            hint = r"; a plain [ inside of a set is \[" if self._holds_another else ""
            raise ValueError(f"/{self._text}/ has a [ without its ]{hint}")
        return self._text[self._at]

    def _take(self, characters: int, python: str | None = None) -> None:
        taken = self._text[self._at : self._at + characters]
        self._python.append(taken if python is None else python)
        self._at += characters

    def _open(self) -> None:
        self._depth += 1
        self._holds_another |= self._depth > 1
        self._is_known_to_python &= self._depth == 1
        self._take(1)
        if self._text.startswith("^", self._at):
            self._take(1)
        # At the beginning, hyphens and a closing bracket are plain characters.
        if self._text.startswith("]", self._at):
            self._take(1, r"\]")
            self._is_known_to_python &= not self._text.startswith("-", self._at)
        while self._text.startswith("-", self._at) and not self._text.startswith("]", self._at - 1):
            self._take(1, r"\-")

    def _step(self, character: str) -> None:
        if character == "\\":
            self._at += 1
            self._here()
            self._at -= 1
            self._take(2)
        elif character == "[":
            if not self._posix_class():
                self._open()
        elif character == "]":
            self._depth -= 1
            self._take(1)
        else:
            pair = self._text[self._at : self._at + 2]
            self._is_known_to_python &= pair not in _OPERATORS
            self._has_capitals |= character.isupper()
            self._take(1)

    def _posix_class(self) -> bool:
        end = self._text.find(":]", self._at)
        written = self._text[self._at : end + 2] if end >= 0 else ""
        name = written.removeprefix("[:").removesuffix(":]")
        negated = name.startswith("^")
        name = name.removeprefix("^")
        if not written.startswith("[:") or name not in CLASSES:
            return False
        # A negated class inside a set has no equivalent in Python.
        self._is_known_to_python &= not negated
        self._has_capitals |= name == "upper"
        self._take(len(written), CLASSES[name])
        return True

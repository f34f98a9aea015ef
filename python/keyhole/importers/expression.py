"""Translates regular expressions of other products into Keyhole's syntax.

| dialect | of | difference from Keyhole |
|---|---|---|
| posix | Pi-hole (TRE, extended) | in a set, a backslash and `[` are literal |
| go | AdGuard Home, blocky (RE2) | in a set, `[` is literal |
| dotnet | Technitium | in a set, `[` is literal; `[a-z-[aeiou]]` subtracts |

An expression is parsed into pieces and written again from them; what is not known to mean the
same is refused.
"""

import re
from dataclasses import dataclass, field
from typing import Literal

from keyhole.importers.expression_set import SetReader
from keyhole.model.expression import read_expression
from keyhole.model.name import read_name

Dialect = Literal["posix", "go", "dotnet"]

_CLASSES = "dDwWsS"
_PLAIN_ESCAPES = "tnrfv"
_COUNT = re.compile(r"\{(\d*)(,?)(\d*)\}")
_META = r"\.+*?()|[]{}^$"
_IN_NO_NAME = frozenset(" \"#%&'(),:;<=>?[]^`{}!$")
"""Characters that stand in no name of the DNS as people use it."""


@dataclass(frozen=True)
class Translation:
    """An expression in Keyhole's syntax."""

    matches: tuple[str, ...]
    """In the form of a rule: names, ``*.NAME``, or ``/EXPRESSION/``."""
    notes: tuple[str, ...] = ()
    """What may surprise a reader, although the meaning is the same."""


class UntranslatableError(ValueError):
    """Keyhole's syntax cannot express this; the message says why."""


def translate(text: str, dialect: Dialect, *, ignores_case: bool = True) -> Translation:
    """The same in Keyhole's syntax; raises `UntranslatableError` with the reason."""
    if not text.isascii():
        raise UntranslatableError("it holds characters beyond ASCII; write labels as xn--")
    names = _as_names(text)
    if names is not None and (ignores_case or text.islower()):
        return Translation(names)
    reader = _Reader(text, dialect)
    written = reader.read()
    if ignores_case and reader.has_capitals:
        written = f"(?i){written}"
    try:
        read_expression(written)
    except ValueError as error:
        raise UntranslatableError(str(error)) from None
    return Translation((f"/{written}/",), tuple(dict.fromkeys(reader.notes)))


# The usual forms for "this name and all below it" and for "this name".
_BELOW = re.compile(r"(?:\(\\\.\|\^\)|\(\^\|\\\.\)|\(\?:\^\|\\\.\)|\(\?:\\\.\|\^\))(.+)\$")
_EXACT = re.compile(r"\^(.+)\$")


def _as_names(text: str) -> tuple[str, ...] | None:
    for form, write in ((_BELOW, ("{}", "*.{}")), (_EXACT, ("{}",))):
        found = form.fullmatch(text)
        name = _plain_name(found[1]) if found else None
        if name is not None:
            return tuple(one.format(name) for one in write)
    return None


def _plain_name(text: str) -> str | None:
    if not re.fullmatch(r"(?:[A-Za-z0-9_-]|\\[.-])+", text):
        return None
    try:
        return read_name(text.replace("\\", ""))
    except ValueError:
        return None


@dataclass
class _Reader:
    text: str
    dialect: Dialect
    at: int = 0
    has_capitals: bool = False
    notes: list[str] = field(default_factory=list)
    _written: list[str] = field(default_factory=list)
    _depth: int = 0
    """How many groups are open."""
    _wanted: str = ""
    """A character that each match has to have and no name has."""
    _has_choice: bool = False
    """Whether there is a choice outside of groups, so that no single part has to match."""

    def read(self) -> str:
        while self.at < len(self.text):
            self._step(self.text[self.at])
        if self._wanted and not self._has_choice:
            raise UntranslatableError(
                f"it can match no name, because none has the character {self._wanted!r}"
            )
        return "".join(self._written)

    def _want(self, character: str, end: int) -> None:
        """Notes a literal character that ends before ``end``, if it cannot be left out."""
        is_optional = self.text[end : end + 1] in ("?", "*") or self.text.startswith("{0", end)
        if character in _IN_NO_NAME and not (self._depth or is_optional):
            self._wanted = self._wanted or character

    def _step(self, character: str) -> None:
        if character == "\\":
            self._escape()
        elif character == "[":
            self._set()
        elif character == "{":
            self._count()
        elif character == "(" and self.text.startswith("(?", self.at):
            self._special_group()
        else:
            self.has_capitals |= character.isupper()
            self._depth += (character == "(") - (character == ")")
            self._has_choice |= character == "|" and not self._depth
            if character not in _META:
                self._want(character, self.at + 1)
            self._take(1, character)

    def _take(self, characters: int, written: str) -> None:
        self._written.append(written)
        self.at += characters

    def _escape(self) -> None:
        following = self.text[self.at + 1 : self.at + 2]
        if not following:
            raise UntranslatableError("it ends with a lone backslash")
        if following.isdigit():
            raise UntranslatableError(
                "it has a backreference, which cannot be matched in linear time"
            )
        if following in _CLASSES or following in "bB":
            self._take(2, f"\\{following}")
        elif not following.isalnum() and following not in "<>":
            self._want(following, self.at + 2)
            self._take(2, f"\\{following}" if following in _META else following)
        elif following in _PLAIN_ESCAPES:
            raise UntranslatableError(f"\\{following} is a character that no name contains")
        elif self.dialect != "posix" and following in "Az":
            self._take(2, "^" if following == "A" else "$")
        elif self.dialect == "posix" and following not in "aeQExy<>":
            self.has_capitals |= following.isupper()
            self.notes.append(f"\\{following} is the literal letter {following} in Pi-hole")
            self._take(2, following)
        else:
            raise UntranslatableError(f"Keyhole has no equivalent of \\{following}")

    def _set(self) -> None:
        reader = SetReader(self.text, self.at, backslash_is_plain=self.dialect == "posix")
        try:
            written = reader.read()
        except ValueError as error:
            raise UntranslatableError(str(error)) from None
        if self.dialect == "dotnet" and re.search(r"-\[", self.text[self.at : reader.at]):
            raise UntranslatableError(
                "Keyhole has no equivalent of a set that subtracts another one"
            )
        self.has_capitals |= reader.has_capitals
        if reader.plain_backslash:
            original = self.text[self.at : reader.at]
            self.notes.append(f"the backslash in {original} is literal in Pi-hole and in Keyhole")
        self._take(reader.at - self.at, written)

    def _count(self) -> None:
        found = _COUNT.match(self.text, self.at)
        if found is None:
            raise UntranslatableError(
                "it matches approximately, or has a { that is not a repetition"
            )
        low, comma, high = found.groups()
        if not low and self.dialect != "posix":
            raise UntranslatableError(f"{found[0]} is literal text there, which no name contains")
        if not low and not high:
            raise UntranslatableError(f"{found[0]} is a repetition without a number")
        self._take(len(found[0]), f"{{{low or 0}{comma}{high}}}")

    def _special_group(self) -> None:
        found = re.compile(r"\(\?(:|P?<[A-Za-z]\w*>|i\))").match(self.text, self.at)
        if found is None:
            try:
                read_expression(self.text)
            except ValueError as error:
                raise UntranslatableError(str(error)) from None
            raise UntranslatableError("Keyhole has no equivalent of this kind of group")
        self._depth += found[1] != "i)"
        self._take(len(found[0]), "(?i)" if found[1] == "i)" else "(?:")

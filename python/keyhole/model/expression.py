"""Regular expressions over names: what a linear-time engine can do, and what it cannot.

The engine decides when it prepares a snapshot. This module parses an expression before that, so
that a check reports, with the place, what the engine would refuse.
"""

import re
from dataclasses import dataclass

from keyhole.model.expression_set import read_set

# Beginnings of groups that a linear-time engine does not support, with what they do.
_GROUPS = {
    "(?=": "look ahead",
    "(?!": "look ahead",
    "(?<=": "look behind",
    "(?<!": "look behind",
    "(?P=": "refer back to a group",
    "(?P>": "call a group",
    "(?>": "match possessively",
    "(?(": "decide by a group",
    "(?R": "call itself",
    "(?|": "share group numbers",
    "(?#": "hold a comment",
}
_QUANTIFIER = re.compile(r"[*+?]|\{(\d*)(,?)(\d*)\}")
_MAX_COUNT = 1000
_ESCAPES = "dDsSwWbBAzaftnrvxuU"
_BY_NUMBER = re.compile(r"\\(x\{[0-9a-fA-F]+\}|x[0-9a-fA-F]{2})")
_FLAGS = re.compile(r"\(\?([a-zA-Z-]+)\)")
_GROUP = re.compile(r"\((\?(P?<\w+>|[a-zA-Z-]*:))?")


@dataclass
class Expression:
    """A parsed expression."""

    text: str
    quantifiers: int = 0
    """Repetitions without an upper bound."""
    nested: bool = False
    """Whether a repetition holds another one."""
    has_capitals: bool = False
    """Whether it needs capital letters; names are lower case when matched."""
    for_python: str | None = ""
    """The same expression for Python; none if Python would read it differently."""


def read_expression(text: str) -> Expression:
    """Parses the text between the slashes; raises ValueError with the reason."""
    if not text:
        raise ValueError("the expression is empty and would match every name")
    if not text.isascii():
        raise ValueError(
            f"/{text}/ holds characters beyond ASCII and would match no name; "
            "write internationalized labels as xn--"
        )
    return _Reader(text).read()


def matches_name(expression: Expression, name: str) -> bool | None:
    """Whether the expression matches ``name``; none if Python cannot decide it in bounded time.

    Python's engine backtracks and the core's does not, so expensive expressions are left to the
    core.
    """
    if expression.nested or expression.quantifiers > 3 or expression.for_python is None:
        return None
    try:
        return re.search(expression.for_python, name) is not None
    except (re.error, RecursionError, OverflowError):
        return None


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._found = Expression(text)
        # For each open group: whether it contains an unbounded repetition.
        self._open: list[bool] = []
        # Whether the item before may be repeated, and whether it contains a repetition.
        self._repeatable = False
        self._holds_repetition = False
        self._ignores_case = False

    def read(self) -> Expression:
        while self._at < len(self._text):
            self._step(self._text[self._at])
        if self._open:
            raise ValueError(f"/{self._text}/ has a ( without its )")
        if self._ignores_case:
            self._found.has_capitals = False
        return self._found

    def _step(self, character: str) -> None:
        if character == "\\":
            self._escape()
        elif character == "[":
            self._set()
        elif character == "(":
            self._begin_group()
        elif character == ")":
            self._end_group()
        elif _QUANTIFIER.match(self._text, self._at):
            self._repeat()
        elif character == "{":
            raise ValueError(f"/{self._text}/ has a {{ that counts nothing; a plain one is \\{{")
        else:
            self._found.has_capitals |= character.isupper()
            self._take(1, repeatable=character not in "|^")

    def _take(self, characters: int, *, repeatable: bool, holds: bool = False) -> None:
        self._also_for_python(self._text[self._at : self._at + characters])
        self._at += characters
        self._repeatable = repeatable
        self._holds_repetition = holds

    def _also_for_python(self, text: str | None) -> None:
        """Adds the equivalent text for Python; none if there is no equivalent."""
        if text is None or self._found.for_python is None:
            self._found.for_python = None
        else:
            self._found.for_python += text

    def _escape(self) -> None:
        following = self._text[self._at + 1 : self._at + 2]
        if not following:
            raise ValueError(f"/{self._text}/ ends with a lone backslash")
        if following in "0123456789" or following in "kg":
            raise self._cannot("refer back to a group")
        if following.isalpha() and following not in _ESCAPES:
            hint = "; the end of the name is $" if following == "Z" else ""
            raise ValueError(f"\\{following} in /{self._text}/ stands for nothing{hint}")
        by_number = _BY_NUMBER.match(self._text, self._at)
        if following == "x" and by_number is None:
            raise ValueError(f"\\x in /{self._text}/ needs two hexadecimal digits behind it")
        before = self._found.for_python
        self._take(len(by_number[0]) if by_number else 2, repeatable=True)
        if following == "z" and before is not None:
            self._found.for_python = before + r"\Z"
        elif following in "<>":  # the edge of a word; in Python a plain character
            self._also_for_python(None)

    def _set(self) -> None:
        found = read_set(self._text, self._at)
        self._found.has_capitals |= found.has_capitals
        self._also_for_python(found.for_python)
        self._at, self._repeatable, self._holds_repetition = found.end, True, False

    def _begin_group(self) -> None:
        for opening, what in _GROUPS.items():
            if self._text.startswith(opening, self._at):
                raise self._cannot(what)
        flags = _FLAGS.match(self._text, self._at)
        if flags is not None:  # they apply to what follows and cannot be repeated
            self._note_flags(flags[1])
            self._take(len(flags[0]), repeatable=False)
            return
        self._open.append(False)
        opening_of = _GROUP.match(self._text, self._at)
        assert opening_of is not None
        if opening_of[0] == "(" and self._text.startswith("(?", self._at):
            raise ValueError(f"(? in /{self._text}/ begins no group that is known")
        if opening_of[0].endswith(":"):
            self._note_flags(opening_of[0][2:-1])
        self._take(len(opening_of[0]), repeatable=False)

    def _note_flags(self, flags: str) -> None:
        self._ignores_case |= "i" in flags.partition("-")[0]

    def _end_group(self) -> None:
        if not self._open:
            raise ValueError(f"/{self._text}/ has a ) without its (; a plain one is \\)")
        holds = self._open.pop()
        if self._open:
            self._open[-1] |= holds
        self._take(1, repeatable=True, holds=holds)

    def _repeat(self) -> None:
        found = _QUANTIFIER.match(self._text, self._at)
        assert found is not None
        if not self._repeatable:
            raise ValueError(
                f"{found[0]} at {self._at + 1} in /{self._text}/ repeats nothing; "
                "any characters are .*"
            )
        self._check_counts(found)
        endless = found[0] in ("*", "+") or (bool(found[2]) and not found[3])
        self._found.nested |= self._holds_repetition
        self._found.quantifiers += endless
        if self._open:
            self._open[-1] |= endless
        self._also_for_python(found[0])
        self._at = found.end()
        following = self._text[self._at : self._at + 1]
        if following == "+":
            raise self._cannot("match possessively")
        if following == "?":
            self._also_for_python(following)
            self._at += 1
        self._repeatable = False

    def _check_counts(self, found: re.Match[str]) -> None:
        low, high = found[1] or "", found[3] or ""
        if found[0].startswith("{") and not low:
            raise ValueError(f"{found[0]} in /{self._text}/ has no count; a plain brace is \\{{")
        if max(int(low or 0), int(high or 0)) > _MAX_COUNT:
            raise ValueError(f"{found[0]} in /{self._text}/ counts above {_MAX_COUNT}")
        if high and int(high) < int(low):
            raise ValueError(f"{found[0]} in /{self._text}/ ends before it begins")

    def _cannot(self, what: str) -> ValueError:
        return ValueError(
            f"/{self._text}/ would {what}, which cannot be done in linear time; "
            "use two rules, an allow and a block, or list the names"
        )

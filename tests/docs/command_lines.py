"""The calls of ``keyhole`` in a document, and whether the program would accept them."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import typer
from typer._click.exceptions import UsageError
from typer.main import get_command

from keyhole.__main__ import app
from keyhole.dns_client.arguments import ArgumentError, parse_arguments
from tests.docs.pages import BLOCK

_INLINE = re.compile(r"(?<!`)`([^`]+)`(?!`)")
_SEPARATORS = {"|", "||", "&&", ";", "&", "(", ")"}
_PLACEHOLDER = re.compile(r"<?[A-Z][A-Z0-9_]*>?")
# Numbers are the strictest of the types that a placeholder may stand for.
_VALUE = "1"


@dataclass(frozen=True)
class Call:
    """The words after ``keyhole``; ``is_inline`` if they stand within a sentence."""

    line: str
    words: tuple[str, ...]
    is_inline: bool = False


def calls(page: Path) -> Iterator[Call]:
    """All calls of ``keyhole`` in the code of a page."""
    text = page.read_text()
    for language, block in BLOCK.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            # Blocks that are not for a shell may show output with a sentence in it.
            if language == "sh" or line.startswith(("keyhole ", "$ keyhole ")):
                yield from _calls(line)
    for span in _INLINE.finditer(BLOCK.sub("", text)):
        yield from (Call(one.line, one.words, is_inline=True) for one in _calls(span[1]))


def _calls(line: str) -> Iterator[Call]:
    if not re.search(r"\bkeyhole\s", line):
        return
    words: list[str] = []
    for word in [*_split(line), ";"]:
        if word not in _SEPARATORS:
            words.append(word)
            continue
        while words and re.fullmatch(r"\w+=.*|sudo|\$", words[0]):
            words.pop(0)
        if len(words) > 1 and words[0] == "keyhole":
            yield Call(line, tuple(words[1:]))
        words = []


def _split(line: str) -> list[str]:
    """The words as a shell reads them, without redirections and comments."""
    lexer = shlex.shlex(" ".join(line.split()), posix=True, punctuation_chars="|&;()<>")
    lexer.whitespace_split = True
    try:
        words = list(lexer)
    except ValueError:
        return []  # a sentence, or a line of another language
    kept: list[str] = []
    for word in words:
        if kept and kept[-1] in ("<", ">", ">>", "<<"):
            kept.pop()
        else:
            kept.append(word)
    return kept


def mistake(call: Call) -> str | None:
    """What the program says against a call; nothing is run."""
    command, context, words = _program(), None, list(call.words)
    name = "keyhole"
    try:
        while True:
            # Within a sentence, `keyhole enroll` names the command.
            if call.is_inline and not words:
                return None
            context = command.make_context(name, list(words), parent=context)
            if not hasattr(command, "resolve_command"):
                _check_words(name, context.params)
                return None
            given = [*context._protected_args, *context.args]
            # `keyhole findings` does something by itself, and has commands below.
            if not given and getattr(command, "invoke_without_command", False):
                return None
            name, command, words = command.resolve_command(context, given)
    except typer.Exit:
        return None  # --help
    except UsageError as error:
        held = tuple(_VALUE if _PLACEHOLDER.fullmatch(one) else one for one in call.words)
        if held != call.words:
            return mistake(Call(call.line, held, call.is_inline))
        return str(error) or type(error).__name__
    except ArgumentError as error:
        return str(error)


def _check_words(name: str, parameters: dict[str, Any]) -> None:
    """`keyhole dig` reads its words itself."""
    if name == "dig":
        parse_arguments(parameters["words"] or [], parameters["reverse"])


@cache
def _program() -> Any:
    return get_command(app())

"""The commands of the program with their parameters, read from its command tree."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from rich.text import Text
from typer.main import get_command

from keyhole.__main__ import COMMANDS, app
from keyhole.cli.app import EXIT_CODES

_TYPES = {int: "INTEGER", float: "NUMBER", str: "TEXT"}


@dataclass(frozen=True)
class Parameter:
    """An argument, or an option with all its spellings.

    ``value`` is what stands for its value, none for a flag; ``default`` is empty where there is
    none.
    """

    names: tuple[str, ...]
    value: str | None
    is_option: bool
    is_repeated: bool
    is_required: bool
    meaning: str
    default: str


@dataclass(frozen=True)
class Example:
    """A command line, and what is said about it."""

    line: str
    meaning: str


@dataclass(frozen=True)
class Command:
    """A command by its whole name, such as ``keyhole log``."""

    name: str
    meaning: str
    parameters: tuple[Parameter, ...]
    examples: tuple[Example, ...]
    notes: tuple[str, ...]
    inner: tuple["Command", ...]

    def all(self) -> Iterator["Command"]:
        """It, and all commands below it."""
        yield self
        for one in self.inner:
            yield from one.all()


@dataclass(frozen=True)
class Program:
    """The whole program: its options, and its commands under their headings."""

    meaning: str
    parameters: tuple[Parameter, ...]
    exit_codes: str
    headings: dict[str, tuple[Command, ...]]


def read_program() -> Program:
    """The program as ``--help`` shows it."""
    program: Any = get_command(app())
    headings = {
        heading: tuple(_command(program.commands[name], f"keyhole {name}") for name in names)
        for heading, names in COMMANDS.items()
    }
    return Program(_prose(program.help), _parameters(program), _prose(EXIT_CODES), headings)


def _command(command: Any, name: str) -> Command:
    examples, notes = _epilog(command.epilog or "")
    below = getattr(command, "commands", {}).items()
    return Command(
        name=name,
        meaning=_prose(command.help),
        parameters=_parameters(command),
        examples=examples,
        notes=notes,
        inner=tuple(_command(one, f"{name} {word}") for word, one in below),
    )


def _parameters(command: Any) -> tuple[Parameter, ...]:
    shown = [_parameter(one) for one in command.params if not one.hidden and _is_ours(one)]
    return tuple(sorted(shown, key=lambda one: one.is_option))


def _is_ours(parameter: Any) -> bool:
    """Typer adds two options to every program, for the completion in shells."""
    return parameter.name not in ("install_completion", "show_completion")


def _parameter(parameter: Any) -> Parameter:
    is_option = bool(parameter.opts[0].startswith("-"))
    value = None
    if is_option:
        names = (*parameter.opts, *parameter.secondary_opts)
        if not parameter.is_flag:
            value = parameter.metavar or _type(parameter.type_descriptor.annotation)
    else:
        names = (parameter.metavar or parameter.name.upper(),)
    return Parameter(
        names=names,
        value=value,
        is_option=is_option,
        is_repeated=parameter.multiple if is_option else _takes_more(parameter),
        is_required=parameter.required,
        meaning=parameter.help or "",
        default=_default(parameter),
    )


def _takes_more(argument: Any) -> bool:
    """Whether dots have to say so: a name of its own says it already."""
    return argument.nargs == -1 and not argument.metavar


def _type(annotation: Any) -> str:
    """What a value looks like."""
    inner = [one for one in get_args(annotation) if one is not type(None)]
    if get_origin(annotation) is Literal:
        return "|".join(map(str, inner))
    if get_origin(annotation) in (Union, UnionType, list):
        return _type(inner[0])
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return "|".join(str(one.value) for one in annotation)
    return _TYPES.get(annotation) or str(annotation.__name__).upper()


def _default(parameter: Any) -> str:
    value = parameter.default
    if value is None or value is False or value == []:
        return ""
    value = value.value if isinstance(value, Enum) else value
    return f"{value:g}" if isinstance(value, float) else f"{value}"


def _epilog(markup: str) -> tuple[tuple[Example, ...], tuple[str, ...]]:
    """The examples, which are indented below their heading, and what is said besides."""
    examples: list[str] = []
    rest: list[str] = []
    below = False
    for line in Text.from_markup(markup).plain.splitlines():
        if line.strip() == "Examples":
            below = True
        elif below and line.startswith("  "):
            examples.append(line.strip())
        else:
            rest.append(line)
    notes = re.split(r" (?=Exit code)", _prose("\n".join(rest)))
    return tuple(map(_example, examples)), tuple(note for note in notes if note)


def _example(text: str) -> Example:
    line, _, meaning = re.sub(r" {2,}", "\0", text).partition("\0")
    return Example(line, meaning)


def _prose(markup: str | None) -> str:
    return " ".join(Text.from_markup(markup or "").plain.split())

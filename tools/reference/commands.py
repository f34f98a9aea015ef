"""The page of the commands, from the command tree of the program."""

import re
from collections.abc import Iterator
from enum import Enum
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from rich.text import Text
from typer.main import get_command

from keyhole.__main__ import COMMANDS, app
from keyhole.cli.app import EXIT_CODES
from tools.reference.markdown import cell, table

_TYPES = {int: "INTEGER", float: "NUMBER", str: "TEXT"}


def commands_page() -> str:
    """Each command with its arguments, options, defaults, examples and exit codes."""
    program: Any = get_command(app())
    lines = [
        "# Commands",
        "",
        "All commands of `keyhole`, as `--help` shows them. " + _prose(EXIT_CODES),
        "",
        "These options stand before the name of a command:",
        *_parameters(program),
    ]
    for heading, names in COMMANDS.items():
        lines += ["", f"## {heading}"]
        for name in names:
            lines += _command(program.commands[name], f"keyhole {name}", 3)
    return "\n".join(lines) + "\n"


def _command(command: Any, path: str, level: int) -> Iterator[str]:
    yield from ["", f"{'#' * level} {path}", "", _prose(command.help)]
    yield from _parameters(command)
    yield from _epilog(command.epilog or "")
    for name, inner in getattr(command, "commands", {}).items():
        yield from _command(inner, f"{path} {name}", level + 1)


def _parameters(command: Any) -> list[str]:
    shown = [one for one in command.params if not one.hidden and _is_ours(one)]
    shown.sort(key=_is_option)
    rows = [(_spelling(one), cell(one.help or ""), _default(one)) for one in shown]
    return table(("argument or option", "meaning", "default"), rows)


def _is_ours(parameter: Any) -> bool:
    """Typer adds two options to every program, for the completion in shells."""
    return parameter.name not in ("install_completion", "show_completion")


def _is_option(parameter: Any) -> bool:
    return bool(parameter.opts[0].startswith("-"))


def _spelling(parameter: Any) -> str:
    if not _is_option(parameter):
        name = parameter.metavar or parameter.name.upper()
        if parameter.nargs == -1 and not parameter.metavar:
            name = f"{name}..."
        is_optional = not parameter.required and not name.startswith("[")
        return f"`{cell(f'[{name}]' if is_optional else name)}`"
    names = ", ".join(f"`{one}`" for one in [*parameter.opts, *parameter.secondary_opts])
    if not parameter.is_flag:
        names += f" `{cell(parameter.metavar or _type(parameter.type_descriptor.annotation))}`"
    if parameter.multiple:
        names += ", several times"
    return f"{names}, required" if parameter.required else names


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
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def _epilog(markup: str) -> Iterator[str]:
    lines = Text.from_markup(markup).plain.splitlines()
    examples = [line.strip() for line in lines if line.startswith("  keyhole ")]
    if examples:
        yield from ["", "```sh", *map(_example, examples), "```"]
    rest = [
        line for line in lines if line.strip() != "Examples" and not line.startswith("  keyhole ")
    ]
    for sentence in re.split(r" (?=Exit code)", _prose("\n".join(rest))):
        if sentence:
            yield from ["", sentence]


def _example(line: str) -> str:
    """A command, and what is said about it as a comment of the shell."""
    command, _, comment = re.sub(r" {2,}", "\0", line).partition("\0")
    return f"{command}  # {comment}" if comment else command


def _prose(markup: str | None) -> str:
    return " ".join(Text.from_markup(markup or "").plain.split())

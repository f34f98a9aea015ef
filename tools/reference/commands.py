"""The page of the commands."""

from collections.abc import Iterator, Sequence

from tools.reference.command_tree import Command, Example, Parameter, read_program
from tools.reference.markdown import cell, table


def commands_page() -> str:
    """Each command with its arguments, options, defaults, examples and exit codes."""
    program = read_program()
    lines = [
        "# Commands",
        "",
        "All commands of `keyhole`, as `--help` shows them. " + program.exit_codes,
        "",
        "These options stand before the name of a command:",
        *_parameters(program.parameters),
    ]
    for heading, commands in program.headings.items():
        lines += ["", f"## {heading}"]
        for command in commands:
            lines += _command(command, 3)
    return "\n".join(lines) + "\n"


def _command(command: Command, level: int) -> Iterator[str]:
    yield from ["", f"{'#' * level} {command.name}", "", command.meaning]
    yield from _parameters(command.parameters)
    if command.examples:
        yield from ["", "```sh", *map(_example, command.examples), "```"]
    for note in command.notes:
        yield from ["", note]
    for one in command.inner:
        yield from _command(one, level + 1)


def _parameters(parameters: Sequence[Parameter]) -> list[str]:
    rows = [
        (_spelling(one), cell(one.meaning), f"`{one.default}`" if one.default else "")
        for one in parameters
    ]
    return table(("argument or option", "meaning", "default"), rows)


def _spelling(parameter: Parameter) -> str:
    if not parameter.is_option:
        name = parameter.names[0] + ("..." if parameter.is_repeated else "")
        is_optional = not parameter.is_required and not name.startswith("[")
        return f"`{cell(f'[{name}]' if is_optional else name)}`"
    names = ", ".join(f"`{one}`" for one in parameter.names)
    if parameter.value is not None:
        names += f" `{cell(parameter.value)}`"
    if parameter.is_repeated:
        names += ", several times"
    return f"{names}, required" if parameter.is_required else names


def _example(example: Example) -> str:
    """A command, and what is said about it as a comment of the shell."""
    return f"{example.line}  # {example.meaning}" if example.meaning else example.line

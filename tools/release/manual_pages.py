"""Manual pages of the program and of each command (man(7)), from the command tree."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from tools.reference.command_tree import Command, Parameter, Program, read_program
from tools.release.project import Project

_FIRST_SENTENCE = re.compile(r"(?<=\.) ")


def manual_pages(project: Project) -> dict[str, str]:
    """The text of each page by the name of its file."""
    program = read_program()
    day = datetime.fromtimestamp(project.epoch, UTC).strftime("%Y-%m-%d")
    source = f"{project.name} {project.version}"
    pages = {"keyhole.1": _page("keyhole", day, source, _whole(program))}
    for commands in program.headings.values():
        for command in commands:
            name = command.name.replace(" ", "-")
            pages[f"{name}.1"] = _page(name, day, source, _one(command))
    return pages


def _page(name: str, day: str, source: str, lines: Iterator[str]) -> str:
    head = f'.TH {_text(name.upper())} 1 "{day}" "{source}" "Keyhole"'
    # Words are not broken: a hyphen that was not written would be copied along with a command.
    return "\n".join((head, ".nh", ".ad l", *lines)) + "\n"


def _whole(program: Program) -> Iterator[str]:
    yield from (".SH NAME", r"keyhole \- zero-trust DNS: every query is encrypted and authorized")
    yield from (".SH SYNOPSIS", r"\fBkeyhole\fR [\fIOPTIONS\fR] \fICOMMAND\fR [\fIARGUMENTS\fR]")
    yield from (".SH DESCRIPTION", _text(program.meaning))
    yield from _parameters("OPTIONS", program.parameters)
    yield from (".SH COMMANDS", "Each one has a page of its own, such as keyhole\\-up(1).")
    for heading, commands in program.headings.items():
        yield from (".SS " + _text(heading),)
        for command in commands:
            yield from (".TP", rf"\fB{_text(command.name)}\fR", _text(_summary(command)))
    yield from (".SH EXIT STATUS", _text(program.exit_codes))


def _one(command: Command) -> Iterator[str]:
    yield from (".SH NAME", rf"{_text(command.name.replace(' ', '-'))} \- {_lower(command)}")
    yield from (".SH SYNOPSIS", _synopsis(command))
    yield from (".SH DESCRIPTION", _text(command.meaning))
    yield from _rest(command, "SH")
    if command.inner:
        yield ".SH COMMANDS"
        for inner in command.inner:
            for one in inner.all():
                yield from (f".SS {_text(one.name)}", _synopsis(one), ".P", _text(one.meaning))
                yield from _rest(one, "P")
    yield from (".SH SEE ALSO", r"\fBkeyhole\fR(1)")


def _rest(command: Command, level: str) -> Iterator[str]:
    """Parameters, examples and exit codes; under headings where ``level`` is ``SH``."""
    has_headings = level == "SH"
    yield from _parameters("OPTIONS" if has_headings else "", command.parameters)
    if command.examples:
        yield ".SH EXAMPLES" if has_headings else ".P"
        for example in command.examples:
            yield from (".TP", rf"\fB{_text(example.line)}\fR", _text(example.meaning))
    for number, note in enumerate(command.notes):
        yield ".SH NOTES" if has_headings and number == 0 else ".P"
        yield _text(note)


def _parameters(heading: str, parameters: Sequence[Parameter]) -> Iterator[str]:
    if parameters and heading:
        yield f".SH {heading}"
    for one in parameters:
        notes = ["may be given several times"] * one.is_repeated
        notes += ["required"] * (one.is_required and one.is_option)
        notes += [f"default: {one.default}"] * bool(one.default)
        meaning = f"{one.meaning} ({'; '.join(notes)})" if notes else one.meaning
        yield from (".TP", _spelling(one), _text(meaning))


def _synopsis(command: Command) -> str:
    words = [rf"\fB{_text(command.name)}\fR"]
    if command.inner:
        words.append(r"\fICOMMAND\fR")
    if any(one.is_option for one in command.parameters):
        words.append(r"[\fIOPTIONS\fR]")
    words += [_argument(one) for one in command.parameters if not one.is_option]
    return " ".join(words)


def _spelling(parameter: Parameter) -> str:
    if not parameter.is_option:
        return _argument(parameter)
    names = ", ".join(rf"\fB{_text(one)}\fR" for one in parameter.names)
    return names if parameter.value is None else rf"{names} \fI{_text(parameter.value)}\fR"


def _argument(parameter: Parameter) -> str:
    name = _text(parameter.names[0]) + ("..." if parameter.is_repeated else "")
    is_optional = not parameter.is_required and not name.startswith("[")
    return rf"[\fI{name}\fR]" if is_optional else rf"\fI{name}\fR"


def _summary(command: Command) -> str:
    return _FIRST_SENTENCE.split(command.meaning)[0].rstrip(".")


def _lower(command: Command) -> str:
    """The summary as the line of NAME has it, which ``apropos`` shows."""
    summary = _summary(command)
    return _text(summary[:1].lower() + summary[1:])


def _text(text: str) -> str:
    """Plain text: nothing in it is a request or an escape (groff_man_style(7))."""
    plain = " ".join(text.split()).replace("\\", r"\(rs").replace("-", r"\-")
    return rf"\&{plain}" if plain.startswith((".", "'")) else plain

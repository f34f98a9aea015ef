"""Output for people and programs, safe for a terminal."""

import json
from typing import IO, Any

from rich.console import Console
from rich.markup import escape

from keyhole.control.notice import Notice, Severity
from keyhole.errors import KeyholeError
from keyhole.system.operation_log import Level, is_json, is_wanted, json_line

_STYLES = {
    Severity.SUCCESS: ("green", "+"),
    Severity.INFO: ("cyan", "-"),
    Severity.WARNING: ("yellow", "!"),
    Severity.ERROR: ("red", "x"),
}

_LEVELS: dict[Severity, Level] = {
    Severity.SUCCESS: "info",
    Severity.INFO: "info",
    Severity.WARNING: "warning",
    Severity.ERROR: "error",
}

# A file or pipe has no width, and commands in a panel must stay on one line to be copied.
PLAIN_WIDTH = 160


def console() -> Console:
    """Standard output; colors only where a terminal shows them."""
    terminal = Console(highlight=False, soft_wrap=True, emoji=False)
    if not terminal.is_terminal:
        terminal.width = PLAIN_WIDTH
    return terminal


def errors_console() -> Console:
    """Standard error."""
    return Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)


def named_by(row: dict[str, Any], shown: str) -> str:
    """Who a client is, with the name that an answer of the API has for it, and who says so where
    that is no document: ``tv (10.0.0.7, dhcp)``."""
    name, source = row.get("client_name"), row.get("client_name_source")
    if name is None or name == shown:
        return shown
    return f"{name} ({shown})" if source in (None, "document") else f"{name} ({shown}, {source})"


def show_error(terminal: Console, error: KeyholeError) -> None:
    """One error, or each of several on its own line."""
    problems = str(error).splitlines() or [type(error).__name__]
    terminal.print(f"[bold red]error:[/] {escape(problems[0])}")
    for problem in problems[1:]:
        terminal.print(f"  {escape(problem)}")


def show_notice(terminal: Console, notice: Notice, process: str) -> None:
    """One notice with its details below it, or as a line of JSON of this process."""
    level = _LEVELS[notice.severity]
    if not is_wanted(level):
        return
    if is_json():
        print(json_line(process, level, notice.text, notice.details), flush=True)
        return
    style, sign = _STYLES[notice.severity]
    terminal.print(f"[{style}]{sign}[/] {escape(notice.text)}")
    for detail in notice.details:
        terminal.print(f"    {escape(detail)}")


def sanitize(text: str) -> str:
    """Escapes characters that would move the cursor, change colors or reverse the direction of
    writing. The result may still contain markup: see ``escape``."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text
    )


def print_json(document: Any, file: IO[str] | None = None) -> None:
    """Prints a document for programs, to standard output or ``file``: indented, never wrapped or
    colored."""
    print(json.dumps(document, indent=2, ensure_ascii=False), file=file)

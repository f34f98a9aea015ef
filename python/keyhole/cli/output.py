"""What people see: one console for results, one for errors, and the shapes they share."""

import json
from typing import Any

from rich.console import Console
from rich.markup import escape

from keyhole.control.notice import Notice, Severity
from keyhole.errors import KeyholeError

_STYLES = {
    Severity.SUCCESS: ("green", "+"),
    Severity.INFO: ("cyan", "-"),
    Severity.WARNING: ("yellow", "!"),
    Severity.ERROR: ("red", "x"),
}


# A file or a pipe has no edge, and the commands in a panel are to be copied.
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


def show_error(terminal: Console, error: KeyholeError) -> None:
    """One error, or each of several on its own line."""
    problems = str(error).splitlines() or [type(error).__name__]
    terminal.print(f"[bold red]error:[/] {escape(problems[0])}")
    for problem in problems[1:]:
        terminal.print(f"  {escape(problem)}")


def show_notice(terminal: Console, notice: Notice) -> None:
    """One notice with its details below it."""
    style, sign = _STYLES[notice.severity]
    terminal.print(f"[{style}]{sign}[/] {escape(notice.text)}")
    for detail in notice.details:
        terminal.print(f"    {escape(detail)}")


def sanitize(text: str) -> str:
    """A text from outside, with everything spelled out that would move the cursor, change colors or
    turn the direction of writing around. What remains may still be markup: see ``escape``."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text
    )


def print_json(document: Any) -> None:
    """For programs: indented, and never wrapped or colored."""
    print(json.dumps(document, indent=2, ensure_ascii=False))

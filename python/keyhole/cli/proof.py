"""``keyhole proof``: which promises ``keyhole verify`` has tried, and whether they held."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from keyhole.cli.api_client import ApiClient
from keyhole.cli.app import FAILED, USAGE
from keyhole.cli.options import DATA, JSON
from keyhole.cli.output import console, errors_console, print_json, sanitize, show_error
from keyhole.cli.pause import clock, seconds
from keyhole.errors import KeyholeError

EXAMPLES = """
[bold]Examples[/]

  keyhole proof                        the last report of each target

  keyhole proof run                    attack a lab of this version now

  keyhole verify --format json | keyhole proof add -

Exit code 0: all promises that were tried hold. 1: one is broken, or could not be

tried. 2: nothing was tried yet.
"""
ADD_EXAMPLES = """
[bold]Examples[/]

  keyhole proof add report.json

  keyhole verify --watch 3600 --format json | keyhole proof add --every 1h -

  keyhole --server https://keyhole.example.org:8080 proof add -
"""
VERIFY_EXAMPLES = """
[bold]Examples[/]

  keyhole proof verify --every 1h -- --server 192.0.2.1 --i-have-permission --ca root.pem

Exit code: that of keyhole verify, or 1 if all promises hold and Keyhole could not be told.
"""
_EVERY = typer.Option("--every", metavar="TIME", help="When the next one is due, such as 1h.")
_WRONG = {"fail": ("bold red", "broken"), "error": ("bold yellow", "not tried")}
_LOOK_SECONDS = 1.0
_MAX_REPORT = 4 * 2**20
_KEYS = ("target", "started", "lines")

app = typer.Typer(help="Which promises were tried, and whether they held.")


@app.callback(invoke_without_command=True, epilog=EXAMPLES)
def proof(context: typer.Context, data: DATA = None, as_json: JSON = False) -> None:
    """Show the last report of each target that keyhole verify attacked: what is wrong with all its
    words, the rest in figures."""
    if context.invoked_subcommand is not None:
        return
    with ApiClient(data) as api:
        found = api.ask("GET", "/proof").json()
    _end(found, as_json=as_json)


@app.command("run")
def run(data: DATA = None, as_json: JSON = False) -> None:
    """Attack a lab of this version on the machine of Keyhole, and show the report.

    It takes about a minute of one processor, and half a GiB of memory. DNS goes on.
    """
    with ApiClient(data) as api:
        started = api.ask("POST", "/proof/run").json()["started"]
        while True:
            found = api.ask("GET", "/proof").json()
            last = found["run"]
            if last is None or last["started"] != started or not last["is_running"]:
                break
            time.sleep(_LOOK_SECONDS)
    if last is None or last["started"] != started:
        raise KeyholeError("Keyhole was started again meanwhile; run keyhole proof run once more")
    if last["why"]:
        raise KeyholeError(last["why"])
    _end(found, as_json=as_json)


@app.command("add", epilog=ADD_EXAMPLES)
def add(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="Reports as JSON; - for standard input.")
    ],
    every: Annotated[str | None, _EVERY] = None,
    data: DATA = None,
) -> None:
    """Tell Keyhole what keyhole verify found, each report as soon as it is there.

    A broken promise needs attention then, on the page and in keyhole status. With --every,
    so does a report that does not come.
    """
    due = None if every is None else seconds(every)
    code = USAGE
    with nullcontext(sys.stdin) if file == "-" else _opened(Path(file)) as source:
        for one in _reports(source):
            code = _tell(one, due, data)
    if code == USAGE:
        raise KeyholeError(f"{file} has no report; keyhole verify --format json writes one")
    raise typer.Exit(code)


@app.command("verify", epilog=VERIFY_EXAMPLES)
def verify(
    words: Annotated[
        list[str] | None, typer.Argument(metavar="-- OPTIONS", help="As for keyhole verify.")
    ] = None,
    every: Annotated[str | None, _EVERY] = None,
    data: DATA = None,
) -> None:
    """Run keyhole verify with these options, and tell Keyhole what it found.

    Where no shell can join keyhole verify and keyhole proof add, such as in a container.
    """
    from keyhole.cli.proof_verify import verified

    due = None if every is None else seconds(every)
    # A report that nobody can be told of is said before the attack.
    ApiClient(data)
    with verified(words or ()) as (code, file), _opened(file) as source:
        told = [_tell(one, due, data) for one in _reports(source)]
    # A broken promise stays one where nobody could be told.
    raise typer.Exit(code or max(told, default=FAILED))


@app.command("forget")
def forget(
    target: Annotated[str, typer.Argument(metavar="TARGET", help="As keyhole proof shows it.")],
    data: DATA = None,
) -> None:
    """Drop the report of a target that is attacked no more."""
    with ApiClient(data) as api:
        found = api.ask("GET", "/proof").json()["reports"]
        ids = [one["id"] for one in found if target in (one["target"], one["id"])]
        if not ids:
            known = ", ".join(one["target"] for one in found) or "none"
            raise KeyholeError(f"there is no report of {target}; there are: {sanitize(known)}")
        api.ask("DELETE", f"/proof/reports/{ids[0]}")
    console().print(f"forgot {escape(sanitize(target))}")


def _opened(file: Path) -> IO[str]:
    from keyhole.system.regular_file import open_regular

    return TextIOWrapper(open_regular(file), encoding="utf-8")


def _tell(report: dict[str, Any], every: int | None, data: Path | None) -> int:
    """Sends one report; an error is told, and the next one is tried all the same."""
    body = {**{key: report.get(key) for key in _KEYS}, "every": every}
    try:
        with ApiClient(data) as api:
            said = api.ask("POST", "/proof/reports", json=body).json()
    except KeyholeError as error:
        show_error(errors_console(), error)
        return FAILED
    terminal = console()
    terminal.print(_counts(said))
    return 0


def _reports(source: IO[str]) -> Iterator[dict[str, Any]]:
    """The JSON objects of a text, each once its last line is there. Raises `KeyholeError`."""
    text = ""
    lines = iter(source)
    while (line := _next(lines)) is not None:
        text += line
        if len(text) > _MAX_REPORT:
            raise KeyholeError(f"no report is larger than {_MAX_REPORT} characters")
        if line.rstrip().endswith("}"):
            found, text = _objects(text)
            yield from found
    if text.strip():
        raise KeyholeError(
            "that is no report, or it is cut off; keyhole verify --format json writes one"
        )


def _next(lines: Iterator[str]) -> str | None:
    try:
        return next(lines, None)
    except UnicodeDecodeError as error:
        raise KeyholeError("that is no report: it is no text in UTF-8") from error


def _objects(text: str) -> tuple[list[dict[str, Any]], str]:
    """The whole objects that a text begins with, and what follows them."""
    found, decoder = [], json.JSONDecoder()
    while text := text.lstrip():
        try:
            one, end = decoder.raw_decode(text)
        except ValueError:
            break
        if not isinstance(one, dict):
            break
        found.append(one)
        text = text[end:]
    return found, text


def _end(found: dict[str, Any], *, as_json: bool) -> None:
    """Shows the reports, and ends with their exit code."""
    if as_json:
        print_json(found)
    else:
        _show(console(), found)
    verdicts = {line["verdict"] for one in found["reports"] for line in one["lines"]}
    if not verdicts.isdisjoint(_WRONG):
        raise typer.Exit(FAILED)
    if "pass" not in verdicts:
        raise typer.Exit(USAGE)


def _show(terminal: Console, found: dict[str, Any]) -> None:
    if not found["reports"]:
        terminal.print("no report yet: keyhole proof run, or keyhole verify elsewhere")
    for one in found["reports"]:
        for line in one["lines"]:
            if line["verdict"] in _WRONG:
                _show_wrong(terminal, line)
        terminal.print(_counts(one))
    if (run := found["run"]) is not None and run["is_running"]:
        by = escape(sanitize(run["by"]))
        terminal.print(f"[dim]a run goes on since {clock(run['started'])}, for {by}[/]")


def _show_wrong(terminal: Console, line: dict[str, Any]) -> None:
    style, word = _WRONG[line["verdict"]]
    when = f", tried {clock(line['earlier'])}" if line.get("earlier") else ""
    terminal.print(f"[{style}]{word}[/] {_safe(line['title'])} [dim]({_safe(line['id'])}{when})[/]")
    for key in ("tried", "expected", "seen"):
        terminal.print(f"      {key + ':':9} {_safe(line[key])}")


def _counts(one: dict[str, Any]) -> str:
    by = {"pass": 0, "fail": 0, "error": 0, "skip": 0}
    for line in one["lines"]:
        by[line["verdict"]] += 1
    words = {"pass": "hold", "fail": "broken", "error": "not tried", "skip": "skipped"}
    counts = ", ".join(f"{count} {words[key]}" for key, count in by.items() if count)
    due = f", next due {clock(one['due'])}" if one["due"] else ""
    told = f"tried {clock(one['started'])}, told by {_safe(one['by'])}{due}"
    return f"[bold]{_safe(one['target'])}[/]: {counts} [dim]({told})[/]"


def _safe(text: str) -> str:
    return escape(sanitize(text))

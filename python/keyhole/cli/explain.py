"""``keyhole explain``: what would happen to a query, and why."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from keyhole.cli.app import FAILED
from keyhole.cli.name_argument import NameCommand
from keyhole.cli.options import CONFIG, DATA, JSON
from keyhole.cli.output import console, print_json, sanitize
from keyhole.control.data_folder import DataFolder, default_data_folder
from keyhole.model.idn import to_unicode

EXAMPLES = """
[bold]Examples[/]

  keyhole explain example.org          with the documents of the data folder

  keyhole explain example.org AAAA --json

  keyhole explain example.org --documents draft/       with a draft

  keyhole explain example.org --as spiffe://example.org/ns/shop/sa/web

  keyhole explain example.org --as token:tv --at 2026-11-25T21:00+01:00

  keyhole explain example.org --no-lookup      without asking an upstream

Exit code 0: it would be answered. 1: it would be blocked, refused or fail.

3: the documents are not valid.
"""

_STYLES = {"answered": "green", "blocked": "red", "refused": "yellow"}
# Details of a step that are shown once for all steps, or on lines of their own.
_KNOWN = frozenset(
    [
        *("name", "type", "policy", "rules", "deciding_rule", "matching", "deciding_entry"),
        *("entries", "target"),
    ]
)

_INHERITED = "allows what its name leads to"

app = typer.Typer()


@app.command("explain", cls=NameCommand, epilog=EXAMPLES)
def explain(
    name: Annotated[str, typer.Argument(help="The name of the query.")],
    kind: Annotated[str, typer.Argument(metavar="[TYPE]", help="The record type.")] = "A",
    data: DATA = None,
    config: CONFIG = None,
    documents: Annotated[
        Path | None,
        typer.Option("--documents", help="These documents instead of those in the data folder."),
    ] = None,
    transport: Annotated[
        str, typer.Option("--transport", help="udp, tcp, dot or doh; the verdict is the same.")
    ] = "udp",
    who: Annotated[
        str | None,
        typer.Option(
            "--as",
            metavar="WHO",
            help="The client: spiffe://..., expired:spiffe://..., token:NAME or an address; "
            "by default 127.0.0.1.",
        ),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            "--at",
            metavar="TIME",
            help="When, such as 2026-11-25T21:00+01:00; by default in the zone of this machine.",
        ),
    ] = None,
    lookup: Annotated[
        bool | None,
        typer.Option(
            "--lookup/--no-lookup",
            help="Whether to ask an upstream for what the name leads to; by default yes, but not "
            "with --documents.",
            show_default=False,
        ),
    ] = None,
    as_json: JSON = False,
) -> None:
    """Show what would happen to a query, and which rule and line decide it.

    The same function decides as in the engine, and records its steps. The
    documents are read from the disk. A name that may be queried is looked up
    at its upstream, as the engine does, because an alias may lead to a
    blocked name; see --no-lookup.
    """
    from keyhole.control.explain import explain_name

    folder = DataFolder(data or default_data_folder())
    explanation = explain_name(
        folder,
        name,
        kind,
        transport,
        who=who,
        at=at,
        config=config,
        documents=documents,
        lookup=lookup,
    )
    if as_json:
        print_json(explanation)
    else:
        show(console(), explanation)
    if explanation["outcome"] != "answered":
        raise typer.Exit(FAILED)


def show(terminal: Console, explanation: dict[str, Any]) -> None:
    """Prints the client, each step on a line, the outcome, and what decided it."""
    for line in client(explanation.get("client")):
        terminal.print(line)
    for step in explanation["steps"]:
        sign = "[bold cyan]>[/]" if step["decides"] else "[dim]-[/]"
        stage = f"[dim]{step['stage']:9}[/]"
        terminal.print(f"{sign} {stage} {escape(step['what'])}: {escape(step['result'])}")
        for line in details(step["detail"]):
            terminal.print(f"              [dim]{escape(line)}[/]")
    style = _STYLES.get(explanation["outcome"], "red")
    name, readable = explanation["name"], sanitize(to_unicode(explanation["name"]))
    beside = "" if readable == name else f" ({readable})"
    question = escape(f"{name}{beside} {explanation['type']}")
    meaning = explanation["meaning"]
    if explanation["reason"] == "forwarded" and not explanation.get("looked_up"):
        # No answer is known.
        meaning = "The query goes to an upstream."
    terminal.print(
        f"\n[bold]{question}[/] is [{style}]{explanation['outcome']}[/] "
        f"({explanation['reason']}): {escape(meaning)}"
    )
    if len(chain := explanation.get("chain", [])) > 1:
        terminal.print(f"[bold]leads to[/] {escape(' -> '.join(chain))}")
    if target := explanation.get("target"):
        terminal.print(f"[bold]blocked is[/] {escape(target)}")
    for word, cause in (
        ("decided by", explanation["cause"]),
        ("would be blocked by", explanation["observed"]),
    ):
        if cause:
            terminal.print(f"[bold]{word}[/] {escape(describe(cause))}")
    if allow := explanation.get("allow"):
        terminal.print(f"[bold]to allow it[/] keyhole allow {escape(allow)}")


def client(known: dict[str, Any] | None) -> list[str]:
    """The client and its policy, as lines; none without a policy."""
    if not known or known["policy"] is None:
        return []
    named = f"{known['client']}, by " if known["client"] else ""
    marks = [f"log: {known['log']}"] + (["observe only"] if known["mode"] == "observe" else [])
    policy = f"{known['policy']} ({known['policy_origin']}), {', '.join(marks)}"
    subject = "the policy without subjects" if known["subject"] == "default" else known["subject"]
    return [
        f"[bold]client[/] {escape(named + subject)}",
        f"[bold]policy[/] {escape(policy)}",
    ]


def describe(cause: dict[str, Any]) -> str:
    """The cause of a verdict, with its document and line."""
    match cause.get("cause"):
        case "rule":
            return f"the rule {_rule(cause)}"
        case "list":
            return f"the list {_entry(cause)}"
        case "record":
            return (
                f"a local record that the policy {cause['policy']} has ({cause['policy_origin']})"
            )
        case "rewrite":
            return (
                f"{cause['rewrite']} of the policy {cause['policy']} ({cause['policy_origin']}): "
                f"{cause['name']} leads to {cause['target']}"
            )
        case "default":
            return f"the default of the policy {cause['policy']} ({cause['policy_origin']})"
        case "mode":
            return f"the policy {cause['policy']}, which only observes ({cause['policy_origin']})"
        case "pause":
            return f"the pause of the policy {cause['policy']} until {cause['until']}"
        case "tunneling":
            return (
                f"the {cause['level']} of tunneling of the policy {cause['policy']} "
                f"({cause['policy_origin']})"
            )
        case "private_addresses":
            return f"privateAddresses of the policy {cause['policy']} ({cause['policy_origin']})"
    return _plain(cause)


def details(detail: Any) -> list[str]:
    """The details of a step, one a line, without those that every step has."""
    if not isinstance(detail, dict):
        return [] if detail in (None, "", []) else [_plain(detail)]
    lines = [_rule(rule) for rule in detail.get("matching", [])]
    lines += [_entry(entry) for entry in detail.get("entries", [])]
    rest = {key: value for key, value in detail.items() if key not in _KNOWN}
    return lines + [f"{key}: {_plain(value)}" for key, value in rest.items() if _has_value(value)]


def _rule(rule: dict[str, Any]) -> str:
    marks = [word for word in ("important",) if rule.get(word)]
    marks += [_INHERITED] if rule.get("inherited") else []
    marks += ["observe only"] if rule.get("mode") == "observe" else []
    if when := rule.get("when"):
        marks.append(f"acts {when}" + ("" if rule.get("active", True) else ", so not then"))
    if until := rule.get("until"):
        marks.append(f"until {until}" + ("" if rule.get("active", True) else ", so not then"))
    matched = ", ".join(rule.get("matched", []))
    return " ".join([matched, f"in {rule.get('origin', '?')}", *(f"({m})" for m in marks)])


def _entry(entry: dict[str, Any]) -> str:
    marks = [word for word in ("important",) if entry.get(word)]
    marks += [_INHERITED] if entry.get("inherited") else []
    place = f"{entry['list']}: {entry.get('entry', '')} in {entry['file']}:{entry['line']}"
    return " ".join([place, *(f"({mark})" for mark in marks)])


def _has_value(value: Any) -> bool:
    return value is not None and value != [] and value != {}


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        parts = (f"{key} {_plain(inner)}" for key, inner in value.items() if _has_value(inner))
        return ", ".join(parts)
    if isinstance(value, list):
        return ", ".join(_plain(inner) for inner in value)
    return str(value)

"""``keyhole graph``: who asks whom, and whether each edge is encrypted and authenticated."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import typer

from keyhole.cli.api_client import ApiClient
from keyhole.cli.log_search import read_time
from keyhole.cli.options import DATA, JSON
from keyhole.cli.output import print_json, sanitize

EXAMPLES = """
[bold]Examples[/]

  keyhole graph                               of the last hour

  keyhole graph --since 24h --namespace shop

  keyhole graph --since 7d --until 6d --verdict blocked --domains

  keyhole graph --format dot > graph.dot      for Graphviz

  keyhole graph --since 2h --step 60 --json   with a series
"""

Form = Literal["table", "dot", "mermaid", "json"]
NAMESPACE = Annotated[
    str | None, typer.Option("--namespace", help="Only clients of this namespace.")
]
VERDICT = Annotated[
    str | None, typer.Option("--verdict", help="answered, blocked, refused, failed.")
]
TRANSPORT = Annotated[str | None, typer.Option("--transport", help="udp, tcp, dot, doh or mesh.")]
POLICY = Annotated[str | None, typer.Option("--policy", help="Only queries under this policy.")]

app = typer.Typer()


@app.command("graph", epilog=EXAMPLES)
def graph(
    since: Annotated[str, typer.Option("--since", help="Such as 30m, 2h, 7d or a time.")] = "1h",
    until: Annotated[str | None, typer.Option("--until", help="By default now.")] = None,
    namespace: NAMESPACE = None,
    verdict: VERDICT = None,
    transport: TRANSPORT = None,
    policy: POLICY = None,
    domains: Annotated[
        bool, typer.Option("--domains", help="Also the domains that were asked for.")
    ] = False,
    step: Annotated[
        int | None,
        typer.Option("--step", min=1, help="Also count in intervals of so many seconds; JSON."),
    ] = None,
    form: Annotated[Form, typer.Option("--format", help="The format of the output.")] = "table",
    data: DATA = None,
    as_json: JSON = False,
) -> None:
    """Show who asks whom, and why an edge is not protected.

    A lock is closed if every query on the edge was encrypted and authenticated.
    The numbers are those of keyhole stats for the same time.
    """
    is_json = as_json or form == "json"
    if step is not None and not is_json:
        raise typer.BadParameter(
            "a series is printed as JSON only; add --json", param_hint="--step"
        )
    params = {"since": read_time(since).isoformat(), "domains": str(domains).lower()}
    if until is not None:
        params["until"] = read_time(until).isoformat()
    params |= criteria(namespace=namespace, verdict=verdict, transport=transport, policy=policy)
    if step is not None:
        params["step"] = str(step)
    with ApiClient(data) as api:
        found = api.ask("GET", "/graph", params=params).json()
    if is_json:
        print_json(found)
        return
    for text in _lines(found, form):
        print(sanitize(text))


def criteria(**given: str | None) -> dict[str, str]:
    """Parameters of the API, without those that are not given."""
    return {key: value for key, value in given.items() if value is not None}


def _lines(found: Mapping[str, Any], form: Form) -> list[str]:
    if form == "dot":
        from keyhole.graph.render_dot import render_dot

        return render_dot(found)
    if form == "mermaid":
        from keyhole.graph.render_mermaid import render_mermaid

        return render_mermaid(found)
    from keyhole.graph.render_table import render_table

    return render_table(found)

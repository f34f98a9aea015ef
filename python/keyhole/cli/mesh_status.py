"""``keyhole mesh status``: whether the DNS of each workload of a cluster is protected."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from keyhole.cli.api_client import ApiClient
from keyhole.cli.app import FAILED
from keyhole.cli.log_search import read_time
from keyhole.cli.options import DATA, JSON
from keyhole.cli.output import console, print_json, sanitize

if TYPE_CHECKING:
    from keyhole.mesh.status import WorkloadStatus

EXAMPLES = """
[bold]Examples[/]

  keyhole mesh status --kubeconfig ~/.kube/config

  keyhole mesh status --kubeconfig ~/.kube/config --namespace shop --since 1h --json

Exit code 0: all that was asked was encrypted and authenticated. 1: something
was not, or the cluster or Keyhole cannot be read.
"""
_COLUMNS = ("workload", "pods", "mesh", "queries", "encrypted", "authenticated", "policy", "why")
_PAGE = 500

app = typer.Typer()


@app.command("status", epilog=EXAMPLES)
def status(
    kubeconfig: Annotated[
        Path, typer.Option("--kubeconfig", help="The cluster: its current context.")
    ],
    namespaces: Annotated[
        list[str] | None,
        typer.Option("--namespace", help="Only workloads of this one; may be repeated."),
    ] = None,
    since: Annotated[str, typer.Option("--since", help="Such as 30m, 2h, 7d or a time.")] = "24h",
    data: DATA = None,
    as_json: JSON = False,
) -> None:
    """Show whether each workload's DNS is encrypted, authenticated, under which policy.

    The cluster says which pods there are and what its mesh enforces; the
    running Keyhole says who asked it. A workload is the pods of a service
    account. From the cluster nothing but lists of objects is read, and no
    Secret.
    """
    from keyhole.mesh.cluster import read_cluster, read_pods
    from keyhole.mesh.kubeconfig import read_kubeconfig
    from keyhole.mesh.status import status as status_of

    access = read_kubeconfig(kubeconfig.expanduser())
    with ApiClient(data) as api:
        clients = list(_clients(api, read_time(since).isoformat()))
    found = status_of(read_pods(access, namespaces or []), read_cluster(access), clients)
    if as_json:
        print_json({"workloads": [asdict(one) for one in found]})
    else:
        _show(found)
    if not all(one.is_protected for one in found):
        raise typer.Exit(FAILED)


def _clients(api: ApiClient, since: str) -> Iterator[dict[str, Any]]:
    params = {"since": since, "limit": str(_PAGE)}
    while True:
        page = api.ask("GET", "/clients", params=params).json()
        yield from page["items"]
        if page["next"] is None:
            return
        # The same time span, or the pages would not fit together.
        params |= {"cursor": page["next"], "until": page["until"]}


def _show(found: list["WorkloadStatus"]) -> None:
    rows = [_COLUMNS, *(_row(one) for one in found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print(sanitize("  ".join(cells).rstrip()))
    open_ones = sum(1 for one in found if not one.is_protected)
    silent = sum(1 for one in found if not one.queries)
    count = "1 workload" if len(found) == 1 else f"{len(found)} workloads"
    console().print(f"{count}: {open_ones} not protected, {silent} asked nothing")


def _row(one: "WorkloadStatus") -> tuple[str, ...]:
    cells = (one.workload, one.pods, one.mesh, one.queries, one.encrypted, one.authenticated)
    words = ["-" if cell == "none" else str(cell) for cell in cells]
    return (*words, one.policy or "-", ", ".join(one.why))

"""``keyhole mesh status``: whether the DNS of each workload of a cluster is protected."""

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from keyhole.cli.api_client import ApiClient
from keyhole.cli.app import FAILED
from keyhole.cli.log_search import read_time
from keyhole.cli.options import DATA, JSON
from keyhole.cli.output import console, print_json, sanitize

if TYPE_CHECKING:
    from keyhole.mesh.status import ClusterStatus, RecentClients, WorkloadStatus

EXAMPLES = """
[bold]Examples[/]

  keyhole mesh status --kubeconfig ~/.kube/config

  keyhole mesh status --kubeconfig ~/.kube/config --namespace shop --since 1h --json

Exit code 0: all that was asked was encrypted and authenticated, also by clients
that are no workload of the cluster. 1: something was not, or is not known to be;
or no query can be told to be of a workload; or the cluster or Keyhole cannot be
read.
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
    trust_domains: Annotated[
        list[str] | None,
        typer.Option(
            "--trust-domain",
            help="A trust domain whose identities are workloads of this cluster; may be repeated. "
            "By default those of its mesh; without a mesh cluster.local and keyhole.internal.",
        ),
    ] = None,
    since: Annotated[str, typer.Option("--since", help="Such as 30m, 2h, 7d or a time.")] = "24h",
    data: DATA = None,
    as_json: JSON = False,
) -> None:
    """Show whether each workload's DNS is encrypted, authenticated, under which policy.

    The cluster says which pods there are and what its mesh enforces; the
    running Keyhole says who asked it. A workload is the pods of a service
    account. What others asked is counted in one line. From the cluster
    nothing but lists of objects is read, and no Secret.
    """
    from keyhole.mesh.cluster import read_cluster, read_pods
    from keyhole.mesh.kubeconfig import read_kubeconfig
    from keyhole.mesh.status import status as status_of

    access = read_kubeconfig(kubeconfig.expanduser())
    names, domains = namespaces or [], [_domain(one) for one in trust_domains or []]
    pods, manifests = read_pods(access, names), read_cluster(access)
    with ApiClient(data) as api:
        asked = _asked(api, read_time(since).isoformat())
        found = status_of(pods, manifests, asked, namespaces=names, domains=domains)
    if as_json:
        print_json(asdict(found))
    else:
        _show(found)
    if not found.is_protected:
        raise typer.Exit(FAILED)


def _domain(written: str) -> str:
    from keyhole.model.spiffe import read_trust_domain

    try:
        return read_trust_domain(written)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--trust-domain") from None


def _asked(api: ApiClient, since: str) -> "RecentClients":
    from keyhole.mesh.status import RecentClients

    params = {"since": since, "limit": str(_PAGE)}
    clients: list[dict[str, Any]] = []
    while True:
        page = api.ask("GET", "/clients", params=params).json()
        clients += page["items"]
        # The same time span, or the pages would not fit together.
        params["until"] = page["until"]
        if page["next"] is None:
            break
        params["cursor"] = page["next"]
    if page["left_out"]:
        clients.append(_left_out(page["left_out"]))

    def later(address: str, start: datetime) -> dict[str, Any]:
        if start >= datetime.fromisoformat(page["until"]):
            return {**_left_out(0), "kind": "address", "value": address}
        span = {"since": start.isoformat(), "until": page["until"], "points": "1"}
        answer = api.ask("GET", "/clients/detail", params={"client": address, **span}).json()
        return dict(answer["client"])

    return RecentClients(clients, datetime.fromisoformat(page["since"]), later)


def _left_out(queries: int) -> dict[str, Any]:
    """Queries of clients that are too many to be told apart, as one client."""
    known: dict[str, Any] = {"kind": "uncounted", "value": "rest", "reasons": [], "policy": None}
    return {**known, "queries": queries, "unknown": queries}


def _show(found: "ClusterStatus") -> None:
    shown, others = found.workloads, found.others
    rows = [_COLUMNS, *(_row(one) for one in shown)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print(sanitize("  ".join(cells).rstrip()))
    open_ones = sum(1 for one in shown if not one.is_protected)
    silent = sum(1 for one in shown if not one.queries)
    count = "1 workload" if len(shown) == 1 else f"{len(shown)} workloads"
    console().print(f"{count}: {open_ones} not protected, {silent} asked nothing")
    queries = "1 query" if others.queries == 1 else f"{others.queries} queries"
    console().print(
        f"{queries} of clients that are no workload here, {others.unprotected} not protected"
    )


def _row(one: "WorkloadStatus") -> tuple[str, ...]:
    cells = (one.workload, one.pods, one.mesh, one.queries, one.encrypted, one.authenticated)
    words = ["-" if cell == "none" else str(cell) for cell in cells]
    return (*words, one.policy or "-", ", ".join(one.why))

"""The output of the lab: one panel with addresses and commands, and one status line."""

from collections import Counter
from dataclasses import dataclass

from rich.console import Group
from rich.panel import Panel
from rich.table import Table

from keyhole.accounts.administration import FIRST_ACCOUNT
from keyhole.control.authentication import LINK_LIFE
from keyhole.engine import catalogue
from keyhole.lab.internet.names import BLOCKED_EXAMPLE, SPECIAL
from keyhole.lab.ports import Ports
from keyhole.lab.processes import LabProcesses
from keyhole.lab.svids import DOMAIN, Svids
from keyhole.lab.workload_profiles import TV_NAME, WORKLOAD_PROFILES
from keyhole.model.engine_stats import Durations, EngineStats

TRANSPORT_NAMES = {"udp": "UDP", "tls": "DoT", "https": "DoH"}

_OUTCOMES = {row["word"]: row["outcome"] for row in catalogue()["reasons"]}


def panel(processes: LabProcesses, link: str | None) -> Panel:
    """Addresses, a link that signs in, workloads, commands to copy, special names, and the folder
    of the documents."""
    documents = processes.layout.resolver.resolve() / "documents"
    return Panel(
        Group(
            _addresses(processes.ports),
            "",
            *_sign_in(link),
            f"[bold]Workloads[/] (identities below spiffe://{DOMAIN}/)",
            _workloads(processes.layout.svids),
            "",
            "[bold]Try[/]",
            *(f"  {command}" for command in _commands(processes)),
            "",
            "[bold]Special names[/] (each first label works with any name after it)",
            _names(),
            "",
            f"[bold]Change the policy[/] in {documents}: it takes effect at once",
            "[dim]Ctrl-C ends the lab[/]",
        ),
        title="Keyhole lab",
        border_style="cyan",
        expand=False,
    )


def _addresses(ports: Ports) -> Table:
    addresses = Table.grid(padding=(0, 2))
    addresses.add_row(
        "[bold]resolver[/]", f"UDP, TCP 127.0.0.1:{ports.dns}", "asked by the workloads"
    )
    addresses.add_row("", f"DoT 127.0.0.1:{ports.dot}", "")
    addresses.add_row("", f"DoH https://127.0.0.1:{ports.doh}/dns-query", "")
    addresses.add_row("", f"DoH https://127.0.0.1:{ports.doh_browsers}/dns-query", "for browsers")
    addresses.add_row(
        "[bold]forwarder[/]",
        f"DoT 127.0.0.1:{ports.forwarder_dot}, DoH :{ports.forwarder_doh}",
        "answers only the resolver",
    )
    addresses.add_row("[bold]page, API[/]", f"http://127.0.0.1:{ports.api}", "of the resolver")
    addresses.add_row(
        "[bold]enrollment[/]",
        f"https://127.0.0.1:{ports.enrollment}",
        "for new clients of the resolver",
    )
    addresses.add_row("[bold]internet[/]", f"DoH :{ports.internet}", "answers any name")
    return addresses


def _sign_in(link: str | None) -> list[str]:
    """The link has a line of its own, so that it is whole in a narrow terminal."""
    if link is None:
        return []
    title = f"[bold]Sign in[/] to the page as {FIRST_ACCOUNT} with this link: once, {LINK_LIFE}"
    return [title, f"  {link}", ""]


def _workloads(svids: Svids) -> Table:
    spiffe_paths = {
        name: svid.spiffe.removeprefix(f"spiffe://{DOMAIN}/")
        for name, svid in svids.workloads().items()
    }
    workloads = Table.grid(padding=(0, 2))
    for profile in WORKLOAD_PROFILES:
        proof = spiffe_paths.get(profile.name, "a token" if profile.name == TV_NAME else "nothing")
        workloads.add_row(
            f"  {profile.name}", TRANSPORT_NAMES[profile.transport], proof, profile.story
        )
    return workloads


def _commands(processes: LabProcesses) -> list[str]:
    ports, svids = processes.ports, processes.layout.svids
    payments = svids.of("shop/payments")
    return [
        f"export KEYHOLE_DATA={processes.layout.resolver.resolve()}",
        f"cd {svids.folder.resolve()}",
        f"dig +tcp @127.0.0.1 -p {ports.dns} {BLOCKED_EXAMPLE}",
        f"keyhole dig @127.0.0.1:{ports.dot} +tls www.example.org",
        "[dim]# as a workload: payments may ask three names only[/]",
        f"keyhole dig @127.0.0.1:{ports.dot} +tls www.example.org --cert shop-payments.pem "
        "--key shop-payments-key.pem",
        f"kdig @127.0.0.1 -p {ports.dot} +tls +tls-certfile=shop-payments.pem "
        "+tls-keyfile=shop-payments-key.pem ledger.bank.example",
        f"keyhole explain www.example.org --as {payments.spiffe}",
        "[dim]# the query log, statistics, and a pause of blocking[/]",
        "keyhole log --since 5m --outcome blocked --why",
        "keyhole stats",
        "keyhole pause --for 1m",
        "[dim]# takes effect on an open connection too[/]",
        "keyhole identity revoke shop/payments",
    ]


def _names() -> Table:
    names = Table.grid(padding=(0, 2))
    for label, special in SPECIAL.items():
        names.add_row(f"{label}.example.net", special.meaning)
    names.add_row(BLOCKED_EXAMPLE, "on the example list: blocked")
    names.add_row("printer.example.org", "a local record")
    return names


@dataclass(frozen=True)
class Counts:
    """Counters of an engine since its start."""

    queries: int
    blocked: int
    cached: int
    failed: int
    median_ms: float | None

    @classmethod
    def read(cls, stats: EngineStats) -> "Counts":
        """Sums the counters of all transports."""
        reasons: Counter[str] = Counter()
        for transport in stats["queries"].values():
            reasons.update(transport)
        outcomes: Counter[str] = Counter()
        for reason, count in reasons.items():
            outcomes[_OUTCOMES[reason]] += count
        return cls(
            queries=reasons.total(),
            blocked=outcomes["blocked"],
            cached=reasons["cached"],
            failed=outcomes["failed"],
            median_ms=_median(stats["durations"]),
        )


def _median(durations: Durations) -> float | None:
    """The upper edge of the histogram bucket that holds the median, in milliseconds."""
    both = (durations["answered_here"], durations["waited"])
    buckets = [
        (edge, count + more)
        for (edge, count), (_, more) in zip(*(one["buckets"] for one in both), strict=True)
    ]
    seen, total = 0, sum(count for _, count in buckets)
    for edge, count in buckets:
        seen += count
        if count and seen * 2 >= total:
            return edge * 1000 if edge is not None else None
    return None


def line(counts: Counts, rate: float) -> str:
    """The status line: counters since the start, and queries per second."""
    latency = f"half within {counts.median_ms:g} ms" if counts.median_ms is not None else ""
    parts = [
        f"[bold]{counts.queries}[/] queries",
        f"{rate:.1f}/s",
        f"[red]{counts.blocked} blocked[/]",
        f"[green]{_share(counts.cached, counts.queries)} from the cache[/]",
        f"[yellow]{counts.failed} failed[/]",
        latency,
    ]
    return " · ".join(part for part in parts if part)


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "0 %"

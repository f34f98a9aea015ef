"""What ``keyhole setup`` shows: ports that are taken, files, and what comes next."""

from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from keyhole.cli.output import sanitize
from keyhole.control.data_folder import DataFolder, default_data_folder
from keyhole.control.doctor.finding import Finding
from keyhole.control.first_run.answers import DNS_PORT, Answers
from keyhole.control.missing_parts import is_used


def show_ports(terminal: Console, taken: Sequence[Finding]) -> None:
    """Who has a port, and how to make room; the same advice once."""
    told: set[tuple[str, ...]] = set()
    for one in taken:
        terminal.print(f"[red]x[/] {escape(sanitize(f'{one.about}: {one.seen}'))}")
        if one.do not in told:
            for line in one.do:
                terminal.print(f"    {escape(sanitize(line))}")
        told.add(one.do)


def show_losses(terminal: Console, lost: Sequence[str]) -> None:
    """What is there, and would be dropped or become weaker."""
    for one in lost:
        terminal.print(f"[yellow]lost:[/] {escape(sanitize(one))}", soft_wrap=True)


def show_files(terminal: Console, folder: Path, files: Mapping[str, str]) -> None:
    """The files that would be written, whole."""
    terminal.print("nothing is written; these files would be:")
    for name in sorted(files):
        print(f"\n# ---- {folder / name}\n{files[name]}", end="")


def show_what_comes(
    terminal: Console,
    folder: DataFolder,
    settings: Path,
    answers: Answers,
    *,
    has_password: bool,
) -> None:
    """The commands that come next."""
    data = "" if folder.path == default_data_folder() else f" --data {folder.path}"
    if settings != folder.config:
        data += f" --config {settings}"
    first = next((one for one in answers.listen if not ip_address(one).is_loopback), None)
    at = "" if first is None or ip_address(first).is_unspecified else f" --address {first}"
    starts = "systemctl restart keyhole" if is_used(folder) else f"keyhole up{data}"
    lines = [
        starts,
        "    serves from now on",
        f"keyhole dig www.example.org @tcp://{_shown(answers.listen[0])}:{answers.port}",
        "    asks it",
    ]
    if first is not None:
        lines += [
            f"keyhole profile apple{data}{at} >keyhole.mobileconfig",
            "    for iPhone, iPad and Mac, with the certificate of this Keyhole",
            f"keyhole profile windows{data}{at}",
            "    also: firefox, chromium, systemd-resolved",
        ]
    if first is not None and answers.port == DNS_PORT:  # Android asks at port 853 alone
        lines += [f"keyhole profile android{data}{at}", "    says what Android takes"]
    who = "by the link that the first start shows, or keyhole people link admin"
    who = "with your password" if has_password else who
    terminal.print("")
    for line in lines:
        terminal.print(escape(line), soft_wrap=True)
    terminal.print(f"the page is at http://127.0.0.1:8080: sign in as admin, {who}")


def _shown(address: str) -> str:
    plain = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)  # noqa: S104
    return f"[{plain}]" if ":" in plain else plain

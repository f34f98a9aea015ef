"""``keyhole doctor``: what works, what does not, and what to do about it."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import typer

from keyhole.cli.api_client import ApiClient, ApiError
from keyhole.cli.app import FAILED
from keyhole.cli.global_options import GLOBAL_OPTIONS
from keyhole.cli.options import CONFIG, DATA, JSON
from keyhole.cli.output import console, print_json
from keyhole.control.data_folder import DataFolder, default_data_folder
from keyhole.errors import KeyholeError

EXAMPLES = """
[bold]Examples[/]

  keyhole doctor                       before the first keyhole up, while it runs, or after

  keyhole doctor --data ./home --json

Each line begins with a sign: + works, ! warning, x wrong, ? cannot be told, - to

know. Below a line is what mends it.

Exit code 0: nothing is wrong, perhaps with warnings. 1: something is wrong.
"""

ANSWER_SECONDS = 10.0
"""How long a Keyhole that runs may take for one answer."""

app = typer.Typer()


@app.command("doctor", epilog=EXAMPLES)
def doctor(
    config: CONFIG = None,
    data: DATA = None,
    as_json: JSON = False,
) -> None:
    """Look at all that Keyhole needs on this machine, and say what to do.

    Ports and who has them, certificates, clock, upstreams, lists, documents, disk,
    versions, limits. It works whether Keyhole runs or not, and changes nothing of
    what is there: it makes one small file in the data folder, and removes it.
    """
    if GLOBAL_OPTIONS.server is not None:
        raise KeyholeError("doctor looks at this machine; leave --server out, or run it there")
    # Imported here: all of it takes longer than the help.
    from keyhole.control.doctor import examine, is_wrong, open_case

    folder = DataFolder(data or default_data_folder())
    running = running_keyhole(folder)
    with open_case(folder, config, running) as case:
        report = examine(case)
    if as_json:
        findings = [
            {
                "group": heading,
                "about": one.about,
                "sign": one.sign.value,
                "seen": one.seen,
                "do": list(one.do),
            }
            for heading, found in report
            for one in found
        ]
        is_well = not is_wrong(report)
        print_json({"works": is_well, "is_running": running is not None, "findings": findings})
    else:
        from keyhole.cli.doctor_screen import show_report

        show_report(console(), report)
    if is_wrong(report):
        raise typer.Exit(FAILED)


class RunningKeyhole:
    """The Keyhole of a data folder, asked over its socket."""

    def __init__(self, folder: DataFolder) -> None:
        self._folder = folder

    @cached_property
    def status(self) -> Mapping[str, Any]:
        """What ``/status`` says; raises `ApiError`."""
        return self._ask("GET", "/status")

    def ask_upstream(self, name: str) -> Mapping[str, Any]:
        """Has it ask one upstream; raises `ApiError`."""
        return self._ask("POST", f"/upstreams/{name}/test")

    def _ask(self, method: str, path: str) -> Mapping[str, Any]:
        with ApiClient(self._folder.path, ANSWER_SECONDS) as api:
            found: Mapping[str, Any] = api.ask(method, path).json()
            return found


def running_keyhole(folder: DataFolder) -> RunningKeyhole | None:
    """The Keyhole that runs on the folder and answers; none without one."""
    running = RunningKeyhole(folder)
    try:
        _ = running.status
    except (ApiError, OSError):
        return None  # whether a process has the folder nevertheless is a look of its own
    return running

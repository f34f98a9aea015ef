"""Whether Keyhole runs, whether its settings are valid, and what a used folder has no more."""

from collections.abc import Iterator, Mapping
from typing import Any

from keyhole.control.data_folder import ENGINE_LOCK
from keyhole.control.doctor.case import Case
from keyhole.control.doctor.finding import Finding, note, warning, works, wrong
from keyhole.control.missing_parts import all_missing, snapshot_missing
from keyhole.system.lock import is_held
from keyhole.system.lock_holder import holder_of

_LOOK = "look at the output of keyhole up, or at journalctl -u keyhole"


def look_at_start(case: Case) -> Iterator[Finding]:
    """Runs or not; settings; parts that are missing or failed."""
    if case.status is not None:
        yield from _running(case.status)
    else:
        yield _not_running(case)
    yield from _settings(case)
    if case.status is None and case.settings is not None and not case.is_first:
        gone = snapshot_missing(case.data)
        if gone is not None:
            yield warning("last good snapshot", gone)
        for one in all_missing(case.data, case.settings):
            yield wrong(one.part, one.why)


def _running(status: Mapping[str, Any]) -> Iterator[Finding]:
    if status["uptime"] is None:
        yield wrong("engine", "control runs, and no engine answers", _LOOK)
    else:
        yield works("process", f"Keyhole runs, as {status['role']}")
    for one in status["parts"]:
        kind = warning if one["state"] == "mended" else wrong
        yield kind(one["name"], f"{one['state']}: {one['why']}")
    said = [f"{one['name']}: {one['state']}" for one in status["parts"]]
    # Upstreams and lists have headings of their own.
    elsewhere = ("upstream ", "no upstream works", "list ", "no engine answers")
    for text in status["wrong"]:
        if text not in said and not text.startswith(elsewhere):
            yield wrong("process", text, "keyhole status says more")


def _not_running(case: Case) -> Finding:
    state = case.data.state
    for name, what in (("lock", "has the folder"), (ENGINE_LOCK, "serves from the last snapshot")):
        if not is_held(state / name):
            continue
        who = holder_of(state / name)
        shown = f"process {who.pid} ({who.command})" if who else "a process"
        if who is not None and who.is_stopped:
            return wrong(
                "process", f"{shown} {what}, and is stopped", f"let it go on: kill -CONT {who.pid}"
            )
        if case.settings is not None and case.settings.resolved.control_server is not None:
            return works("process", f"{shown} {what}; another Keyhole controls it")
        do = f"{_LOOK}; end it if it hangs" + (f": kill {who.pid}" if who else "")
        return wrong("process", f"{shown} {what}, and commands get no answer", do)
    if case.is_first:
        return note(
            "process", f"Keyhole has not run on {case.data.path} yet", "start it: keyhole up"
        )
    return note("process", f"Keyhole does not run on {case.data.path}", "start it: keyhole up")


def _settings(case: Case) -> Iterator[Finding]:
    about = f"settings {case.config}"
    if case.settings is None:
        lines = case.why_no_settings.splitlines() or ["they cannot be read"]
        for line in lines:
            yield wrong(about, line)
        return
    for one in case.parts:
        yield wrong(about, one.why, "mend the file, then start keyhole up again")
    if not case.parts:
        first = "there are none, and the first keyhole up writes the defaults"
        yield works(about, "valid" if case.settings.file.exists() else first)
    for advice in case.settings.advice:
        yield warning(about, advice)

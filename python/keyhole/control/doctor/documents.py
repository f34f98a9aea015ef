"""Whether the documents are valid, as a start reads them."""

from collections.abc import Iterator

from keyhole.control.doctor.case import Case
from keyhole.control.doctor.finding import ROOM, Finding, note, unknown, warning, works, wrong

MOST = 8
"""Errors, and pieces of advice, that are shown; keyhole check has all."""


def look_at_documents(case: Case) -> Iterator[Finding]:
    """Errors and advice; stored documents count as for a start."""
    if case.settings is None:
        yield unknown("documents", "without valid settings nobody knows where they are")
        return
    if case.settings.resolved.control_server is not None:
        yield note("documents", f"they are at {case.settings.resolved.control_server.url}")
        return
    read = case.read
    about = f"documents {case.settings.documents}"
    if case.why_no_documents:
        yield unknown(about, case.why_no_documents, ROOM)
    if read.why:
        yield wrong(about, read.why)
    errors = [one for one in read.problems if not one.is_advice]
    advice = [one for one in read.problems if one.is_advice]
    for one in errors[:MOST]:
        yield wrong(about, str(one))
    for one in advice[:MOST]:
        yield warning(about, str(one))
    if len(errors) > MOST or len(advice) > MOST:
        yield note(about, f"there is more: keyhole check {case.settings.documents}")
    if read.documents is None:
        return
    if case.documents != case.settings.documents:
        yield works(about, "there are none, and the first keyhole up writes the defaults")
        return
    counts = (
        ("policies", read.documents.policies),
        ("lists", read.documents.lists),
        ("upstreams", read.documents.upstreams),
        ("records", read.documents.records),
    )
    yield works(about, "valid: " + ", ".join(f"{word}: {len(them)}" for word, them in counts))

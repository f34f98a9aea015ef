"""Advice on budgets that have no effect, and on exemptions that have ended."""

from collections.abc import Iterator
from datetime import UTC, datetime

from keyhole.config.declaration import Documents
from keyhole.errors import Problem


def advise_on_tunneling(documents: Documents) -> Iterator[Problem]:
    """Every exemption whose end has come, and budgets that cannot act."""
    today = datetime.now(UTC).date()
    for policy in documents.policies:
        use = policy.spec.tunneling
        for index, one in enumerate(use.exempt):
            if one.until <= today:
                why = f"the exemption of {one.domain} ended on {one.until}; remove it, or renew it"
                place: list[int | str] = ["spec", "tunneling", "exempt", index, "until"]
                yield policy.problem(place, why, is_advice=True)
        if use.mode == "off" and use.exempt:
            why = "nothing is counted, so no domain needs an exemption; take exempt out"
            yield policy.problem(["spec", "tunneling", "exempt"], why, is_advice=True)
        if use.mode == "enforce" and policy.spec.mode == "observe":
            why = "the policy only observes, and so do its budgets"
            yield policy.problem(["spec", "tunneling"], why, is_advice=True)

"""``/proof``: which promises of Keyhole were tried, and whether they held."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel, Field

from keyhole.api.dependencies import RunningServices
from keyhole.api.documents import actor_of
from keyhole.api.principal import Administrator, Operator, Viewer
from keyhole.api.problem import ApiProblem
from keyhole.api.request_body import RequestBody
from keyhole.control.error import StaleError
from keyhole.control.proof import KeptReport, ProofReports, ProofRunner, Run
from keyhole.model.proof import ProofLine, ProofReport

router = APIRouter(prefix="/proof", tags=["proof"])


def _reports(services: RunningServices) -> ProofReports:
    assert services.proofs is not None
    return services.proofs


def _runner(services: RunningServices) -> ProofRunner:
    assert services.proof_runner is not None
    return services.proof_runner


Reports = Annotated[ProofReports, Depends(_reports)]
Runner = Annotated[ProofRunner, Depends(_runner)]


class ProofRun(BaseModel):
    """A run that a person asked for."""

    started: datetime = Field(description="When it began.")
    by: str = Field(description="Who asked for it.")
    is_running: bool = Field(description="Whether it goes on.")
    why: str | None = Field(description="Why it gave no report; null where it gave one.")


class ProofOfTarget(BaseModel):
    """The last report of a target."""

    id: str = Field(description="Names the target in addresses.")
    target: str = Field(description="What was attacked.")
    started: datetime = Field(description="When the run began.")
    received: datetime = Field(description="When the report came.")
    by: str = Field(description="Who told it.")
    due: datetime | None = Field(description="When the next one should be there; null: never.")
    is_late: bool = Field(description="Whether it did not come in time.")
    lines: list[ProofLine] = Field(description="The promises, what is wrong first.")


class Proof(BaseModel):
    """What keyhole verify found."""

    run: ProofRun | None = Field(
        description="The run that goes on, or else the last one since Keyhole started."
    )
    reports: list[ProofOfTarget] = Field(description="One for each target, the newest first.")


class ProofReportBody(RequestBody, ProofReport):
    """A report of keyhole verify."""


@router.get("")
def get_proof(reports: Reports, runner: Runner, _: Viewer) -> Proof:
    """Shows the last report of each target, at most 20, and whether a run goes on."""
    run = runner.last
    return Proof(
        run=None if run is None else _run(run), reports=[_shown(one) for one in reports.known]
    )


@router.post("/run", status_code=202)
async def start_proof(
    runner: Runner, services: RunningServices, caller: Administrator, request: Request
) -> ProofRun:
    """Attacks a lab of this version, on the machine of control: about a minute of one processor and
    half a GiB of memory. DNS goes on. The report is there when the run has ended."""
    try:
        return _run(runner.start(actor_of(caller, request)))
    except StaleError as error:
        raise ApiProblem(409, "taken", str(error)) from None


@router.post("/reports", status_code=201)
def add_proof_report(
    reports: Reports, caller: Operator, request: Request, body: ProofReportBody
) -> ProofOfTarget:
    """Takes the report of a run elsewhere, in place of the last one of its target."""
    actor = actor_of(caller, request)
    report = ProofReport.model_validate(body.model_dump())
    one = KeptReport.now(report, actor.name)
    reports.take(one, actor)
    return _shown(one)


@router.delete("/reports/{id}", status_code=204)
def forget_proof_report(
    reports: Reports,
    caller: Operator,
    request: Request,
    id: Annotated[str, Path(pattern="^[0-9a-f]{12}$", description="The id of the target.")],  # noqa: A002
) -> None:
    """Drops the report of a target that is attacked no more."""
    reports.forget(id, actor_of(caller, request))


def _run(run: Run) -> ProofRun:
    return ProofRun(**vars(run))


def _shown(one: KeptReport) -> ProofOfTarget:
    return ProofOfTarget(
        id=one.id,
        target=one.report.target,
        started=one.report.started,
        received=one.received,
        by=one.by,
        due=one.due,
        is_late=one.is_late,
        lines=one.report.lines,
    )

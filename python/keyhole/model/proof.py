"""A report of ``keyhole verify``: which promises of a Keyhole were tried, and whether they held."""

from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, field_validator

MAX_LINES = 200
MAX_EVERY = 31 * 86_400

Verdict = Literal["pass", "fail", "skip", "error"]


def _printable(text: str) -> str:
    # A server that was attacked may have sent it, and it is shown in terminals and logs.
    if not text.isprintable():
        raise ValueError("has control or direction characters")
    return text


Text = Annotated[str, Field(max_length=500), AfterValidator(_printable)]


class ProofLine(BaseModel):
    """One promise, and what came of trying to break it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern="^[a-z0-9-]{1,64}$", description="Its id, as --only takes it.")
    title: Text = Field(description="The promise.")
    threat: Text = Field(description="What it defends against.")
    standards: list[Text] = Field(max_length=8, description="Who asks for it, with the section.")
    tried: Text = Field(description="What was tried.")
    expected: Text = Field(description="What should come of it.")
    seen: Text = Field(description="What came of it; of a skipped line, why.")
    verdict: Verdict = Field(
        description="pass: it held. fail: it is broken. error: it could not be tried, which proves "
        "nothing. skip: it was left out."
    )
    seconds: float = Field(ge=0, le=86_400, description="How long it took.")
    earlier: AwareDatetime | None = Field(
        None,
        description="When the earlier run began that tried it; null for the run of this report.",
    )

    @field_validator("standards")
    @classmethod
    def _once_each(cls, standards: list[str]) -> list[str]:
        if len(set(standards)) < len(standards):
            raise ValueError("names a standard twice")
        return standards

    @property
    def is_wrong(self) -> bool:
        """Whether it needs a person."""
        return self.verdict in ("fail", "error")


class ProofReport(BaseModel):
    """One run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_printable)] = Field(
        description="What was attacked."
    )
    started: AwareDatetime = Field(description="When the run began.")
    every: int | None = Field(
        None,
        ge=1,
        le=MAX_EVERY,
        description="After so many seconds the next report should be there; null: nobody waits.",
    )
    lines: list[ProofLine] = Field(
        min_length=1, max_length=MAX_LINES, description="The promises, what is wrong first."
    )

    @field_validator("lines")
    @classmethod
    def _one_of_each(cls, lines: list[ProofLine]) -> list[ProofLine]:
        if len({line.id for line in lines}) < len(lines):
            raise ValueError("has two lines of one check")
        return lines

    @property
    def is_empty(self) -> bool:
        """Whether nothing was tried."""
        return all(line.verdict == "skip" for line in self.lines)

    def of_one_run(self) -> "ProofReport":
        """This report, whose lines are all of its own run, whatever its sender says."""
        lines = [line.model_copy(update={"earlier": None}) for line in self.lines]
        return self.model_copy(update={"lines": lines})

    def after(self, before: "ProofReport") -> "ProofReport":
        """This report of a target that had another one before: what was wrong and was not tried
        again is wrong still, with the time of its run, and who waits for reports goes on waiting.
        """
        tried = {line.id for line in self.lines if line.verdict != "skip"}
        kept = [
            line.model_copy(update={"earlier": line.earlier or before.started})
            for line in before.lines
            if line.is_wrong and line.id not in tried
        ]
        names = {line.id for line in kept}
        lines = [*kept, *(line for line in self.lines if line.id not in names)]
        every = self.every if self.every is not None else before.every
        return self.model_copy(update={"lines": lines[:MAX_LINES], "every": every})

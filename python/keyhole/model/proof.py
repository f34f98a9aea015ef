"""A report of ``keyhole verify``: which promises of a Keyhole were tried, and whether they held."""

from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

MAX_LINES = 500
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
    standards: list[Text] = Field(max_length=20, description="Who asks for it, with the section.")
    tried: Text = Field(description="What was tried.")
    expected: Text = Field(description="What should come of it.")
    seen: Text = Field(description="What came of it; of a skipped line, why.")
    verdict: Verdict = Field(
        description="pass: it held. fail: it is broken. error: it could not be tried, which proves "
        "nothing. skip: it was left out."
    )
    seconds: float = Field(ge=0, le=86_400, description="How long it took.")

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

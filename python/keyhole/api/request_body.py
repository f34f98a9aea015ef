"""What all bodies of requests have in common."""

from pydantic import BaseModel, ConfigDict


class RequestBody(BaseModel):
    """The body of a request. A key that it does not know is refused: what it was to say, such as
    that nothing is to be changed, would not happen."""

    model_config = ConfigDict(extra="forbid")

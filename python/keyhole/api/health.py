"""``/health``: that something lives here, and not a word more."""

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

router = APIRouter(prefix="/health", tags=["health"])


class Health(BaseModel):
    """That the API answers."""

    status: Literal["ok"] = Field("ok", description="Always ok: what is not, does not answer.")


@router.get("")
async def get_health() -> Health:
    """Says that the API answers; for everybody whose network is let in."""
    return Health()

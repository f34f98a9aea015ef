"""``/health``: whether the API answers, and nothing else."""

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

router = APIRouter(prefix="/health", tags=["health"])


class Health(BaseModel):
    """The API answers."""

    status: Literal["ok"] = Field("ok", description="Always ok.")


@router.get("")
async def get_health() -> Health:
    """Shows that the API answers. Needs no authentication."""
    return Health()

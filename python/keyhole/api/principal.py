"""Who calls the API, and what a role may do."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from keyhole.api.problem import ApiProblem
from keyhole.model.role import Role


@dataclass(frozen=True)
class Principal:
    """Somebody who was believed.

    ``name`` is what the audit record says; ``via`` is how they came: ``socket`` (somebody on this
    machine who may enter the data folder), ``session``, ``token``.
    """

    name: str
    role: Role
    via: str


def principal_of(request: Request) -> Principal:
    """Who was believed before the route was reached; raises 401 where nobody was."""
    principal = getattr(request.state, "principal", None)
    if not isinstance(principal, Principal):
        raise ApiProblem(401, "not_authenticated", "log in, or send a token in Authorization")
    return principal


def needs(role: Role) -> Callable[[Request], Principal]:
    """A dependency of a route: whoever calls it has at least this role."""

    def check(request: Request) -> Principal:
        principal = principal_of(request)
        if principal.role < role:
            raise ApiProblem(
                403,
                "role_too_low",
                f"this needs the role {role.word}; {principal.name} is {principal.role.word}",
            )
        return principal

    check.role = role  # type: ignore[attr-defined]  # said again in the OpenAPI document
    return check


Viewer = Annotated[Principal, Depends(needs(Role.VIEWER))]
Operator = Annotated[Principal, Depends(needs(Role.OPERATOR))]
Administrator = Annotated[Principal, Depends(needs(Role.ADMINISTRATOR))]

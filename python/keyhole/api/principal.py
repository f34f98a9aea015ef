"""The authenticated caller of the API, and the roles that routes require."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from keyhole.api.problem import ApiProblem
from keyhole.model.role import Role


@dataclass(frozen=True)
class Principal:
    """An authenticated caller.

    ``name`` is the name in the audit record. ``via`` is how the caller authenticated: ``socket``
    (a local user who can open the data folder), ``session``, ``token`` or ``pihole``.
    """

    name: str
    role: Role
    via: str


def principal_of(request: Request) -> Principal:
    """The caller that the middleware has authenticated; raises 401 if there is none."""
    principal = getattr(request.state, "principal", None)
    if not isinstance(principal, Principal):
        raise ApiProblem(401, "not_authenticated", "log in, or send a token in Authorization")
    return principal


def needs(role: Role) -> Callable[[Request], Principal]:
    """A route dependency: the caller must have at least this role."""

    def check(request: Request) -> Principal:
        principal = principal_of(request)
        if principal.role < role:
            raise ApiProblem(
                403,
                "role_too_low",
                f"this needs the role {role.word}; {principal.name} is {principal.role.word}",
            )
        return principal

    check.role = role  # type: ignore[attr-defined]  # for the OpenAPI document
    return check


Viewer = Annotated[Principal, Depends(needs(Role.VIEWER))]
Operator = Annotated[Principal, Depends(needs(Role.OPERATOR))]
Administrator = Annotated[Principal, Depends(needs(Role.ADMINISTRATOR))]

"""Dependencies of the routes: the services they use, the caller's session and address."""

from typing import Annotated

from fastapi import Depends, Request

from keyhole.accounts import ClientInfo, Session
from keyhole.api.principal import Principal
from keyhole.api.problem import ApiProblem
from keyhole.control.authentication import Authentication
from keyhole.control.changes import Changes
from keyhole.control.clients import ClientService
from keyhole.control.credentials import CredentialService
from keyhole.control.explain import ExplainService
from keyhole.control.findings import FindingService
from keyhole.control.graph import GraphService
from keyhole.control.history_simulation import SimulationService
from keyhole.control.in_the_clear import ClearService
from keyhole.control.overrides import DecisionService, PauseService, QuarantineService
from keyhole.control.query_history import QueryHistory
from keyhole.control.services import Services
from keyhole.identity.journal import Author
from keyhole.store import Actor


def _services(request: Request) -> Services:
    services = request.app.state.services
    assert isinstance(services, Services)
    return services


def _no_database() -> ApiProblem:
    why = "the database cannot be used; keyhole up has said why"
    return ApiProblem(503, "not_possible_now", why)


RunningServices = Annotated[Services, Depends(_services)]
"""A route parameter: the services of control."""


def _changes(services: RunningServices) -> Changes:
    if services.changes is None:
        raise _no_database()
    return services.changes


def _pauses(services: RunningServices) -> PauseService:
    if services.pauses is None:
        raise _no_database()
    return services.pauses


def _decisions(services: RunningServices) -> DecisionService:
    if services.decisions is None:
        raise _no_database()
    return services.decisions


def _quarantines(services: RunningServices) -> QuarantineService:
    if services.quarantines is None:
        raise _no_database()
    return services.quarantines


def _findings(services: RunningServices) -> FindingService:
    if services.findings is not None:
        return services.findings
    if services.changes is None:
        raise _no_database()
    why = "there are no findings without a query log: log.keep is 0 in keyhole.yaml"
    raise ApiProblem(503, "not_possible_now", why)


def _no_history() -> ApiProblem:
    why = "there is no history: log.keep or log.history is 0 in keyhole.yaml"
    return ApiProblem(503, "not_possible_now", why)


def _clients(services: RunningServices) -> ClientService:
    if services.clients is None:
        raise _no_history()
    return services.clients


def _clear(services: RunningServices) -> ClearService:
    if services.clear is None:
        raise _no_history()
    return services.clear


def _credentials(services: RunningServices) -> CredentialService:
    return services.credentials


def _queries(services: RunningServices) -> QueryHistory:
    if services.queries is None:
        raise _no_history()
    return services.queries


def _graph(services: RunningServices) -> GraphService:
    if services.graph is None:
        raise _no_history()
    return services.graph


def _explain(services: RunningServices) -> ExplainService:
    assert services.explain is not None
    return services.explain


def _simulations(services: RunningServices) -> SimulationService:
    if services.simulations is None:
        raise _no_history()
    return services.simulations


Explain = Annotated[ExplainService, Depends(_explain)]
"""A route parameter: explanations of queries."""
Simulations = Annotated[SimulationService, Depends(_simulations)]
"""A route parameter: simulations of changes on the history."""
Queries = Annotated[QueryHistory, Depends(_queries)]
"""A route parameter: the query history."""
Clients = Annotated[ClientService, Depends(_clients)]
"""A route parameter: who asks."""
InTheClear = Annotated[ClearService, Depends(_clear)]
"""A route parameter: what is not encrypted or not authenticated."""
Credentials = Annotated[CredentialService, Depends(_credentials)]
"""A route parameter: identities, enrollments and tokens of clients."""
Graphs = Annotated[GraphService, Depends(_graph)]
"""A route parameter: the graph of who asks whom."""
Pauses = Annotated[PauseService, Depends(_pauses)]
"""A route parameter: pauses of blocking."""
Quarantines = Annotated[QuarantineService, Depends(_quarantines)]
"""A route parameter: clients in quarantine."""
Decisions = Annotated[DecisionService, Depends(_decisions)]
"""A route parameter: decisions about names."""
Findings = Annotated[FindingService, Depends(_findings)]
"""A route parameter: findings."""
StoredDocuments = Annotated[Changes, Depends(_changes)]
"""A route parameter: documents and their changes."""


def _authentication(services: RunningServices) -> Authentication:
    if services.authentication is None:
        raise _no_database()
    return services.authentication


Auth = Annotated[Authentication, Depends(_authentication)]
"""A route parameter: accounts, and the identity provider."""


def _session(request: Request) -> Session:
    session = getattr(request.state, "session", None)
    if not isinstance(session, Session):
        raise ApiProblem(409, "no_session", "this needs a session: log in first")
    return session


CurrentSession = Annotated[Session, Depends(_session)]
"""A route parameter: the session of the caller, who must have one."""


def _client_info(request: Request) -> ClientInfo:
    host = request.client.host if request.client else "nowhere"
    return ClientInfo(host, request.headers.get("user-agent", ""))


Client = Annotated[ClientInfo, Depends(_client_info)]
"""A route parameter: the address and program of the client."""


def credential_author(caller: Principal, request: Request, why: str | None) -> Author:
    """The caller as the author of a change of credentials."""
    host = request.client.host if request.client else None
    return Author(caller.name, caller.via, None if caller.via == "socket" else host, why)


def account_actor(principal: Principal, client: ClientInfo) -> Actor:
    """The caller as the actor of an audit entry."""
    address = None if principal.via == "socket" else client.address
    return Actor(principal.name, principal.via, address)

"""The criteria of a search in the query history, as parameters of a request."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import Depends, Query
from fastapi.exceptions import RequestValidationError

from keyhole.api.dependencies import RunningServices
from keyhole.api.history_times import history_errors, to_micros
from keyhole.api.log_words import Address, Outcome, Reason, RecordType, Transport
from keyhole.control.client_names import QueryClients
from keyhole.control.error import InvalidError
from keyhole.control.services import Services
from keyhole.graph.query_lock import proof_rules
from keyhole.querylog.history import ClientSet, Criteria
from keyhole.querylog.history.protection import ProofRules

MAX_NAME_LENGTH = 1_016
"""A name of 255 octets, each escaped with up to four characters (RFC 1035 section 5.1)."""
Rule = Annotated[str | None, Query(max_length=2_048, description="The place of the rule.")]
Protection = Annotated[
    Literal[
        "protected", "open", "unencrypted", "unauthenticated",
        "encrypted_only", "authenticated_only", "neither",
    ]
    | None,
    Query(
        description="How the query was protected on its way in, as its lock_in says. protected: it "
        "was encrypted, and the client proved who it is. open: one of both is missing. "
        "unencrypted, unauthenticated: this one is. encrypted_only, authenticated_only, neither: "
        "what there was."
    ),
]  # fmt: skip
Proof = Annotated[
    Literal["certificate", "token", "network", "unproved", "unknown"] | None,
    Query(
        description="What proved who the client is, as how of its lock_in. Only certificate and "
        "token prove it."
    ),
]

Tls = Annotated[
    Literal["1.3", "1.2", "none", "unknown"] | None,
    Query(
        description="The version of TLS on its way in; none in the clear, and unknown where the "
        "log does not say it, as behind a mesh."
    ),
]
UpstreamTls = Annotated[
    Literal["1.3", "1.2", "none"] | None,
    Query(
        description="The version of TLS to the upstream that it was sent to; none where the log "
        "has no version."
    ),
]


def rules_in_force(services: Services) -> ProofRules:
    """By what protection and proof are told: the documents in force."""
    compiled = services.control_plane.reconciler.in_force
    return proof_rules(compiled.snapshot if compiled else None)


def query_clients(services: Services) -> QueryClients:
    """The names of clients by the documents in force; of nobody without a history."""
    if services.clients is None:
        return QueryClients.of(None)
    return QueryClients(services.clients.names, rules_in_force(services))


def _criteria(
    services: RunningServices,
    since: Annotated[datetime | None, Query(description="The start of the time span.")] = None,
    until: Annotated[
        datetime | None, Query(description="The end of the time span, exclusive.")
    ] = None,
    name: Annotated[
        str | None, Query(max_length=MAX_NAME_LENGTH, description="Exactly this name.")
    ] = None,
    below: Annotated[
        str | None, Query(max_length=MAX_NAME_LENGTH, description="This name or a subdomain of it.")
    ] = None,
    contains: Annotated[
        str | None, Query(max_length=MAX_NAME_LENGTH, description="Names that contain this text.")
    ] = None,
    expression: Annotated[
        str | None,
        Query(max_length=200, description="A regular expression (RE2) that the name must match."),
    ] = None,
    client: Annotated[
        str | None,
        Query(
            max_length=2_048,
            description="The name of a Client document or of a token, a SPIFFE ID, its short form "
            "such as shop/web, or an address. A final * matches any rest. With client_kind it is "
            "the SPIFFE ID, token or address itself.",
        ),
    ] = None,
    address: Address = None,
    client_kind: Annotated[
        Literal["identity", "claimed", "token", "address", "anonymous"] | None,
        Query(
            description="By what the client is known, as in the list of clients. identity: a "
            "proved one. claimed: one that it did not prove. address: by nothing else."
        ),
    ] = None,
    protection: Protection = None,
    proof: Proof = None,
    type: RecordType = None,  # noqa: A002  (as the field)
    outcome: Outcome = None,
    reason: Reason = None,
    policy: Annotated[str | None, Query(max_length=63, description="The policy.")] = None,
    list: Annotated[  # noqa: A002  (as the field)
        str | None, Query(max_length=63, description="The list that decided.")
    ] = None,
    rule: Rule = None,
    upstream: Annotated[str | None, Query(max_length=63, description="The upstream.")] = None,
    transport: Transport = None,
    tls: Tls = None,
    upstream_tls: UpstreamTls = None,
    engine: Annotated[
        str | None, Query(max_length=2_048, description="The engine: its SPIFFE ID, or local.")
    ] = None,
    slower_than_ms: Annotated[
        int | None,
        Query(ge=0, le=600_000, description="Minimum time spent waiting for an upstream."),
    ] = None,
) -> Criteria:
    begin, end = to_micros(since), to_micros(until)
    clients: ClientSet | None = None
    if client is not None and client_kind is None:
        found = _clients(services, client, begin, end)
        client, clients = (found, None) if isinstance(found, str) else (None, found)
    needs_rules = protection or proof or client_kind in ("identity", "claimed")
    return Criteria(
        client_kind=client_kind,
        protection=protection,
        proof=proof,
        proof_rules=rules_in_force(services) if needs_rules else None,
        since=begin,
        until=end,
        name=name,
        below=below,
        contains=contains,
        expression=expression,
        client=client,
        clients=clients,
        address=address,
        type=type,
        outcome=outcome,
        reason=reason,
        policy=policy,
        list=list,
        rule=rule,
        upstream=upstream,
        transport=transport,
        tls=tls,
        upstream_tls=upstream_tls,
        engine=engine,
        slower_than_us=None if slower_than_ms is None else slower_than_ms * 1000,
    )


def _clients(
    services: Services, word: str, since: int | None, until: int | None
) -> ClientSet | str:
    if services.clients is None:
        return word
    try:
        with history_errors():
            return services.clients.find(word, since, until)
    except InvalidError as error:
        # An error of the parameter, so that its place is said.
        place = {"loc": ("query", "client"), "type": "value_error"}
        raise RequestValidationError([{**place, "msg": "", "ctx": {"error": error}}]) from None


SearchCriteria = Annotated[Criteria, Depends(_criteria)]

"""Turns the common settings of a product into documents."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from keyhole.importers.document import Document
from keyhole.importers.names import DocumentNames, list_name
from keyhole.importers.plan_records import record_documents
from keyhole.importers.plan_rules import split_rules
from keyhole.importers.product_settings import (
    Bundle,
    ClientSettings,
    ListSource,
    Restrictions,
    Server,
    Setup,
)
from keyhole.importers.report import Kind, Report
from keyhole.importers.upstream_names import allow_upstream_names
from keyhole.model.units import SECOND, show_milliseconds

SERVICES_URL = "https://adguardteam.github.io/HostlistsRegistry/assets/services.json"
"""AdGuard's file of services."""
_MAX_INCLUDED = 64
_BRANCHES = 60
_DEFAULT_POLICY = "everybody-else"


def plan(setup: Setup, report: Report) -> list[Document]:
    """The documents with the same effect as the settings."""
    allow_upstream_names(setup, report)
    return _Plan(setup, report).documents()


@dataclass(frozen=True)
class _ClientPolicy:
    """What all clients with the same policy have in common."""

    bundles: tuple[str, ...]
    log: str
    servers: tuple[Server, ...]
    restrictions: Restrictions
    is_denied: bool = False


@dataclass
class _Plan:
    setup: Setup
    report: Report
    names: DocumentNames = field(default_factory=DocumentNames)
    _service_lists: dict[str, str] = field(default_factory=dict)
    """The names of the lists of services that no shipped table has."""
    _gathered: dict[tuple[str, ...], Document] = field(default_factory=dict)
    """Policies that include others, where a client has more groups than one policy includes."""

    def documents(self) -> list[Document]:
        """All documents, grouped by kind."""
        upstreams, names_of = self._upstreams()
        lists, names_of_lists = self._lists()
        rules = {
            key: list(self._bundle(key, bundle, names_of_lists))
            for key, bundle in self.setup.bundles.items()
            if not bundle.is_empty
        }
        clients, groups = self._clients()
        services = self._services()
        policies = list(self._policies(groups, rules, names_of))
        return [
            *policies,
            *(document for documents in rules.values() for document in documents),
            *lists,
            *services,
            *clients,
            *record_documents(self.setup.records, self.names, self.report),
            *upstreams,
            *self._gathered.values(),
        ]

    def _upstreams(self) -> tuple[list[Document], dict[Server, str]]:
        own = (server for one in self.setup.clients for server in one.servers)
        servers = dict.fromkeys([*self.setup.every_server(), *own])
        names = {
            server: self.names.assign("Upstream", server.server_name, "upstream")
            for server in servers
        }
        documents = [
            Document("Upstream", names[server], _upstream_spec(server), _from(server.origin))
            for server in servers
        ]
        if all(server.domains for server in servers):
            documents += [
                Document(
                    "Upstream",
                    self.names.assign("Upstream", server.server_name, "upstream"),
                    _upstream_spec(server),
                    [f"{server.origin}, which was used without encryption: uncomment to use it."],
                    is_commented_out=True,
                )
                for server in self.setup.suggestions
            ]
        return documents, names

    def _lists(self) -> tuple[list[Document], dict[tuple[str, bool], str]]:
        names: dict[tuple[str, bool], str] = {}
        documents: list[Document] = []
        for bundle in self.setup.bundles.values():
            for source in bundle.lists:
                key = (source.url, source.allow)
                if key not in names:
                    title = list_name(source.url, source.title)
                    names[key] = self.names.assign("List", title, "list")
                    documents.append(_list(names[key], source, self.setup.refresh))
        return documents, names

    def _services(self) -> list[Document]:
        """A list for each service of AdGuard's file: one that is gone costs no other."""
        every = [self.setup.restrictions, *(one.restrictions for one in self.setup.clients)]
        found = dict.fromkeys(name for one in every if one for name in one.listed)
        for name in found:
            self._service_lists[name] = self.names.assign("List", f"service-{name}", "service")
        return [
            Document(
                "List", self._service_lists[name], {"urls": [SERVICES_URL], "services": [name]}
            )
            for name in found
        ]

    def _bundle(
        self, key: str, bundle: Bundle, names: dict[tuple[str, bool], str]
    ) -> Iterator[Document]:
        """The policies of a bundle, for other policies to include: one, which includes further ones
        where there are too many rules for one file."""
        name = self.names.assign("Policy", f"rules-{bundle.title}", f"rules-{key}")
        parts = split_rules(bundle.rules, self.setup.answer)
        more = [self.names.assign("Policy", f"{name}-part", "rules") for _ in parts[1:]]
        # The number of includes per policy is limited, so each part includes some of the next ones.
        included = [more[at : at + _BRANCHES] for at in range(0, len(more), _BRANCHES)]
        spec: dict[str, Any] = {"subjects": []}
        if more:
            spec["include"] = included[0]
        if parts:
            spec["rules"] = parts[0]
        used = [names[source.url, source.allow] for source in bundle.lists]
        if used:
            spec["lists"] = list(dict.fromkeys(used))
        yield Document("Policy", name, spec, _from(bundle.origin))
        for index, (one, rules) in enumerate(zip(more, parts[1:], strict=True), 1):
            below = {"include": included[index]} if index < len(included) else {}
            yield Document("Policy", one, {"subjects": [], **below, "rules": rules})

    def _clients(self) -> tuple[list[Document], dict[_ClientPolicy, str]]:
        documents: list[Document] = []
        groups: dict[_ClientPolicy, str] = {}
        owner: dict[str, str] = {}
        for one in self.setup.clients:
            ids = dict.fromkeys([*one.addresses, *one.tokens])
            for text in (text for text in ids if text in owner):
                why = f"it belongs to {owner[text]} already; two clients cannot share it"
                self.report.left(Kind.CLIENT, f"{one.title}: {text}", why, one.place)
            addresses = [text for text in ids if text in one.addresses and text not in owner]
            tokens = [text for text in ids if text in one.tokens and text not in owner]
            if not (addresses or tokens):
                continue
            self.report.add(Kind.CLIENT, one.title, one.changes, at=one.place)
            policy = self._policy_of(one)
            if policy not in groups:
                groups[policy] = self.names.assign("Policy", self._title(policy), "group")
            name = self.names.assign("Client", one.title, "client")
            owner |= dict.fromkeys([*addresses, *tokens], name)
            spec: dict[str, Any] = {}
            if addresses:
                spec["addresses"] = addresses
            if tokens:
                spec["tokens"] = tokens
            spec["groups"] = [groups[policy]]
            documents.append(Document("Client", name, spec, _from(one.origin), (one.title,)))
        return documents, groups

    def _policy_of(self, one: ClientSettings) -> _ClientPolicy:
        return _ClientPolicy(
            () if one.is_denied else self._bundles(one.bundles),
            one.log or self.setup.log,
            one.servers,
            Restrictions() if one.is_denied else self._restrictions(one),
            one.is_denied,
        )

    def _restrictions(self, one: ClientSettings) -> Restrictions:
        return self.setup.restrictions if one.restrictions is None else one.restrictions

    def _bundles(self, wanted: tuple[str, ...]) -> tuple[str, ...]:
        """These bundles and those for all clients, in a fixed order."""
        bundles = self.setup.bundles.items()
        return tuple(key for key, bundle in bundles if key in wanted or bundle.for_all)

    def _title(self, policy: _ClientPolicy) -> str:
        if policy.is_denied:
            return "denied"
        bundles = [self.setup.bundles[key] for key in policy.bundles]
        titles = [bundle.title for bundle in bundles if not bundle.for_all]
        return "-and-".join(titles) or "unfiltered"

    def _policies(
        self,
        groups: dict[_ClientPolicy, str],
        rules: dict[str, list[Document]],
        names_of: dict[Server, str],
    ) -> Iterator[Document]:
        default = _ClientPolicy(
            self._bundles(self.setup.default_bundles), self.setup.log, (), self.setup.restrictions
        )
        subjects = list(self.setup.served_subjects)
        yield Document(
            "Policy",
            self.names.assign("Policy", _DEFAULT_POLICY, "policy"),
            ({"subjects": subjects} if subjects else {}) | self._spec(default, rules, names_of),
            [f"For clients without another policy, as in {self.setup.product}."],
        )
        for policy, name in groups.items():
            spec = {"subjects": [f"group:{name}"]} | self._spec(policy, rules, names_of)
            yield Document("Policy", name, spec)

    def _included(self, names: list[str]) -> list[str]:
        """The policies to include: these, or a few that include them."""
        if len(names) <= _MAX_INCLUDED:
            return names
        gathered = []
        for at in range(0, len(names), _MAX_INCLUDED):
            some = tuple(names[at : at + _MAX_INCLUDED])
            if some not in self._gathered:
                name = self.names.assign("Policy", f"{some[0]}-and-more", "rules")
                spec: dict[str, Any] = {"subjects": [], "include": list(some)}
                self._gathered[some] = Document("Policy", name, spec)
            gathered.append(self._gathered[some].name)
        return self._included(gathered)

    def _spec(
        self,
        policy: _ClientPolicy,
        rules: dict[str, list[Document]],
        names_of: dict[Server, str],
    ) -> dict[str, Any]:
        if policy.is_denied:
            return {"default": "deny"}
        spec: dict[str, Any] = {}
        included = [rules[key][0].name for key in policy.bundles if key in rules]
        if included:
            spec["include"] = self._included(included)
        if self.setup.observe_only:
            spec["mode"] = "observe"
        denies = any(self.setup.bundles[key].denies_rest for key in policy.bundles)
        spec["default"] = "deny" if denies else "allow"
        servers = self._servers(policy)
        if servers:
            spec["upstreams"] = [names_of[server] for server in servers]
        if self.setup.timeout is not None:
            used = spec.get("upstreams", [])
            spec["upstreams"] = {"names": used, "timeout": f"{self.setup.timeout}s"}
        own = (self.setup.bundles[key].answer for key in policy.bundles)
        answer = next(filter(None, own), self.setup.answer)
        listed = [self._service_lists[name] for name in policy.restrictions.listed]
        spec["lists"] = {"names": listed, "answer": answer}
        spec |= policy.restrictions.spec
        if self.setup.blocked_ttl is not None:
            spec["blockedTtl"] = self.setup.blocked_ttl
        if self.setup.private_names:
            spec["privateAddresses"] = {"allow": list(dict.fromkeys(self.setup.private_names))}
        if policy.log != "full":
            spec["log"] = policy.log
        return spec

    def _servers(self, policy: _ClientPolicy) -> list[Server]:
        """The upstreams to name: those for all other names, and those for some domains. None where
        nothing but these was taken: a policy that names none uses all that there will be."""
        every = self.setup.every_server()
        general = policy.servers or [server for server in every if not server.domains]
        return [*general, *(server for server in every if server.domains)] if general else []


def _list(name: str, source: ListSource, refresh: int | None) -> Document:
    spec: dict[str, Any] = {"kind": "allow" if source.allow else "block", "urls": [source.url]}
    if refresh is not None:
        spec["refresh"] = show_milliseconds(refresh * SECOND)
    return Document("List", name, spec, _from(source.origin), (source.url,))


def _upstream_spec(server: Server) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "protocol": server.protocol,
        "addresses": list(server.addresses),
        "serverName": server.server_name,
    }
    if server.path is not None:
        spec["path"] = server.path
    if server.domains:
        spec["domains"] = list(server.domains)
    return spec


def _from(origin: str) -> list[str]:
    return [f"From {origin}."] if origin else []

"""From the setup of another product to documents of Keyhole."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from keyhole.importers.common_settings import Audience, Bundle, ListSource, Server, Setup
from keyhole.importers.document import Document
from keyhole.importers.error import ImporterError
from keyhole.importers.names import Names, list_name
from keyhole.importers.plan_records import record_documents
from keyhole.importers.plan_rules import split_rules
from keyhole.importers.report import Kind, Report
from keyhole.importers.upstream_names import spare_own_names
from keyhole.model.units import SECOND, show_milliseconds

_MOST_INCLUDED = 64
_BRANCHES = 60
_EVERYBODY = "everybody-else"


def plan(setup: Setup, report: Report) -> list[Document]:
    """The documents that do what the setup did."""
    spare_own_names(setup, report)
    return _Plan(setup, report).documents()


@dataclass(frozen=True)
class _Treatment:
    """What is the same for all clients with one policy."""

    bundles: tuple[str, ...]
    log: str
    servers: tuple[Server, ...]
    is_denied: bool = False


@dataclass
class _Plan:
    setup: Setup
    report: Report
    names: Names = field(default_factory=Names)

    def documents(self) -> list[Document]:
        """All of them, those of one kind together."""
        upstreams, names_of = self._upstreams()
        lists, names_of_lists = self._lists()
        rules = {
            key: list(self._bundle(key, bundle, names_of_lists))
            for key, bundle in self.setup.bundles.items()
            if not bundle.is_empty
        }
        clients, treatments = self._clients()
        policies = self._policies(treatments, rules, names_of)
        return [
            *policies,
            *(document for documents in rules.values() for document in documents),
            *lists,
            *clients,
            *record_documents(self.setup.records, self.names, self.report),
            *upstreams,
        ]

    def _upstreams(self) -> tuple[list[Document], dict[Server, str]]:
        servers = dict.fromkeys(
            [
                *self.setup.servers,
                *(server for one in self.setup.audiences for server in one.servers),
            ]
        )
        names = {
            server: self.names.give("Upstream", server.server_name, "upstream")
            for server in servers
        }
        documents = [
            Document("Upstream", names[server], _upstream_spec(server), _from(server.origin))
            for server in servers
        ]
        if not servers:
            documents = [
                Document(
                    "Upstream",
                    self.names.give("Upstream", server.server_name, "upstream"),
                    _upstream_spec(server),
                    [f"{server.origin}, which was asked in the clear: uncomment to ask it again."],
                    is_remark=True,
                )
                for server in self.setup.suggested
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
                    names[key] = self.names.give("List", title, "list")
                    documents.append(_list(names[key], source, self.setup.refresh))
        return documents, names

    def _bundle(
        self, key: str, bundle: Bundle, names: dict[tuple[str, bool], str]
    ) -> Iterator[Document]:
        """The policy that stands for a bundle; it is included by those that speak, and includes
        further ones where it has more rules than one file should hold."""
        name = self.names.give("Policy", f"rules-{bundle.title}", f"rules-{key}")
        parts = split_rules(bundle.rules, self.setup.answer)
        more = [self.names.give("Policy", f"{name}-part", "rules") for _ in parts[1:]]
        # Each part includes some of the next ones, since one policy includes a few alone.
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

    def _clients(self) -> tuple[list[Document], dict[_Treatment, str]]:
        documents: list[Document] = []
        groups: dict[_Treatment, str] = {}
        owner: dict[str, str] = {}
        for one in self.setup.audiences:
            shown = dict.fromkeys([*one.addresses, *one.tokens])
            for text in (text for text in shown if text in owner):
                why = f"it is {owner[text]} already, and one address or token is one client"
                self.report.left(Kind.CLIENT, f"{one.title}: {text}", why)
            addresses = [text for text in shown if text in one.addresses and text not in owner]
            tokens = [text for text in shown if text in one.tokens and text not in owner]
            if not (addresses or tokens):
                continue
            self.report.add(Kind.CLIENT, one.title, one.changes)
            treatment = self._treatment(one)
            if treatment not in groups:
                groups[treatment] = self.names.give("Policy", self._title(treatment), "group")
            name = self.names.give("Client", one.title, "client")
            owner |= dict.fromkeys([*addresses, *tokens], name)
            spec: dict[str, Any] = {}
            if addresses:
                spec["addresses"] = addresses
            if tokens:
                spec["tokens"] = tokens
            spec["groups"] = [groups[treatment]]
            documents.append(Document("Client", name, spec, _from(one.origin)))
        return documents, groups

    def _treatment(self, one: Audience) -> _Treatment:
        return _Treatment(
            () if one.is_denied else self._bundles(one.bundles),
            one.log or self.setup.log,
            one.servers,
            one.is_denied,
        )

    def _bundles(self, wanted: tuple[str, ...]) -> tuple[str, ...]:
        """These and those for all, in one order."""
        bundles = self.setup.bundles.items()
        return tuple(key for key, bundle in bundles if key in wanted or bundle.for_all)

    def _title(self, treatment: _Treatment) -> str:
        if treatment.is_denied:
            return "denied"
        bundles = [self.setup.bundles[key] for key in treatment.bundles]
        titles = [bundle.title for bundle in bundles if not bundle.for_all]
        return "-and-".join(titles) or "unfiltered"

    def _policies(
        self,
        groups: dict[_Treatment, str],
        rules: dict[str, list[Document]],
        names_of: dict[Server, str],
    ) -> Iterator[Document]:
        everybody = _Treatment(
            self._bundles(self.setup.everybody),
            self.setup.log,
            (),
        )
        subjects = list(self.setup.only)
        yield Document(
            "Policy",
            self.names.give("Policy", _EVERYBODY, "policy"),
            ({"subjects": subjects} if subjects else {}) | self._spec(everybody, rules, names_of),
            [f"For whom no other policy speaks, as {self.setup.product} had it."],
        )
        for treatment, name in groups.items():
            spec = {"subjects": [f"group:{name}"]} | self._spec(treatment, rules, names_of)
            yield Document("Policy", name, spec)

    def _spec(
        self,
        treatment: _Treatment,
        rules: dict[str, list[Document]],
        names_of: dict[Server, str],
    ) -> dict[str, Any]:
        if treatment.is_denied:
            return {"default": "deny"}
        spec: dict[str, Any] = {}
        included = [rules[key][0].name for key in treatment.bundles if key in rules]
        if len(included) > _MOST_INCLUDED:
            raise ImporterError(
                f"a client is in {len(included)} groups; more than 64 are not taken"
            )
        if included:
            spec["include"] = included
        if self.setup.observes:
            spec["mode"] = "observe"
        denies = any(self.setup.bundles[key].denies_rest for key in treatment.bundles)
        spec["default"] = "deny" if denies else "allow"
        servers = treatment.servers or tuple(self.setup.servers)
        if servers:
            spec["upstreams"] = [names_of[server] for server in servers]
        own = (self.setup.bundles[key].answer for key in treatment.bundles)
        answer = next(filter(None, own), self.setup.answer)
        spec["lists"] = {"names": [], "answer": answer}
        if treatment.log != "full":
            spec["log"] = treatment.log
        return spec


def _list(name: str, source: ListSource, refresh: int | None) -> Document:
    spec: dict[str, Any] = {"kind": "allow" if source.allow else "block", "urls": [source.url]}
    if refresh is not None:
        spec["refresh"] = show_milliseconds(refresh * SECOND)
    return Document("List", name, spec, _from(source.origin))


def _upstream_spec(server: Server) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "protocol": server.protocol,
        "addresses": list(server.addresses),
        "serverName": server.server_name,
    }
    if server.path is not None:
        spec["path"] = server.path
    return spec


def _from(origin: str) -> list[str]:
    return [f"From {origin}."] if origin else []

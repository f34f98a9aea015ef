"""User rules: blocks, exceptions and rewrites, for all clients or for some."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from keyhole.importers.addresses import plain_address
from keyhole.importers.adguard.clients import read_ids
from keyhole.importers.adguard.rule import AdblockRule, read_adblock_rule
from keyhole.importers.hosts import cname_record, host_record
from keyhole.importers.product_settings import Bundle, ClientSettings, NameRule, Setup
from keyhole.importers.report import Kind, Report
from keyhole.model.address import read_address
from keyhole.model.name import read_name

_CODES = {"NXDOMAIN": "nxdomain", "REFUSED": "refused"}


def take_user_rules(setup: Setup, report: Report, lines: Sequence[str], filters: str) -> None:
    """Adds and reports every rule; ``filters`` is the bundle for clients with filtering."""
    withdrawn = {line.replace("$badfilter", "").replace(",badfilter", "") for line in lines
                  if "badfilter" in line}  # fmt: skip
    importer = _RuleImporter(setup, report, filters)
    for line in lines:
        try:
            rule = read_adblock_rule(line)
            if rule is None:
                continue
            if rule.is_badfilter or line.strip() in withdrawn:
                raise ValueError("a $badfilter rule disables it, so neither is needed")
            importer.take(rule)
        except ValueError as error:
            report.left(Kind.RULE, line, str(error))


@dataclass
class _RuleImporter:
    setup: Setup
    report: Report
    filters: str
    _known: dict[str, ClientSettings] = field(default_factory=dict)
    """Clients by name, address and token."""

    def __post_init__(self) -> None:
        for one in reversed(self.setup.clients):
            self._remember(one)

    def _remember(self, one: ClientSettings) -> None:
        self._known |= dict.fromkeys([*one.addresses, *one.tokens, one.title], one)

    def take(self, rule: AdblockRule) -> None:
        if rule.hosts is not None:
            self._hosts(rule, *rule.hosts)
        elif rule.rewrite is not None:
            self._rewrite(rule, rule.rewrite)
        else:
            self._add(rule, None)

    def _add(self, rule: AdblockRule, answer: str | None) -> None:
        made = NameRule(
            rule.matches,
            allow=rule.allow,
            types=rule.types,
            answer=answer,
            important=rule.important and not rule.allow,
            title=rule.text,
            origin=rule.text,
        )
        if rule.important and rule.allow:
            rule.changes.append("in Keyhole an important block rule wins over it")
        for bundle in self._bundles(rule):
            bundle.rules.append(made)
        self.report.add(Kind.RULE, rule.text, rule.changes, "; ".join(rule.notes))

    def _hosts(self, rule: AdblockRule, address: str, names: tuple[str, ...]) -> None:
        ip = read_address(address)
        if ip.is_unspecified or ip.is_loopback:
            matches = tuple(read_name(name) for name in names)
            self._add(replace(rule, matches=matches), None)
            return
        for index, name in enumerate(names):
            host_record(self.setup, self.report, name, address, rule.text, is_first=index == 0)

    def _rewrite(self, rule: AdblockRule, value: str) -> None:
        code, _, rest = value.partition(";")
        kind, _, answer = rest.partition(";")
        if rule.allow:
            raise ValueError("it exempts names from rewrites; do not add those names to the Record")
        if code.upper() in _CODES and not answer:
            self._add(rule, _CODES[code.upper()])
            return
        if not rest:
            answer = value
        elif code.upper() != "NOERROR" or kind.upper() not in ("A", "AAAA", "CNAME"):
            raise ValueError("a Record holds A, AAAA, CNAME, TXT and PTR; write it by hand")
        if rule.clients or any(match.startswith("/") for match in rule.matches):
            raise ValueError("a Record is for one name and for policies; write it by hand")
        for index, name in enumerate(rule.matches):
            if plain_address(answer):
                host_record(self.setup, self.report, name, answer, rule.text, is_first=index == 0)
            else:
                cname_record(self.setup, self.report, name, answer, rule.text)

    def _bundles(self, rule: AdblockRule) -> list[Bundle]:
        if not rule.clients:
            return [self.setup.bundles[self.filters]]
        return [self._bundle_of(text) for text in rule.clients]

    def _bundle_of(self, text: str) -> Bundle:
        """The bundle of one client; adds the client if it does not exist yet."""
        client = self._client(text)
        key = f"client {client.title}"
        if key not in self.setup.bundles:
            self.setup.bundles[key] = Bundle(client.title, origin=f"user_rules for {text}")
            client.bundles = (*client.bundles, key)
        return self.setup.bundles[key]

    def _client(self, text: str) -> ClientSettings:
        ids = read_ids([text])
        for key in (text, *ids.addresses, *ids.tokens):
            if key in self._known:
                return self._known[key]
        if not ids.addresses:
            raise ValueError(f"it is for the client {text}, which does not exist")
        client = ClientSettings(text, ids.addresses, bundles=(self.filters,), origin="user_rules")
        self.setup.clients.append(client)
        self._remember(client)
        return client

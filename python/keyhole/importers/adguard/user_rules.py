"""User rules: blocks, exceptions and rewrites, for all clients or for some."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from keyhole.importers.adguard.clients import read_ids
from keyhole.importers.adguard.rewrite import read_rewrite
from keyhole.importers.adguard.rule import AdblockRule, exempted, read_adblock_rule
from keyhole.importers.hosts import cname_record, host_record
from keyhole.importers.product_settings import Bundle, ClientSettings, NameRule, Setup
from keyhole.importers.report import Kind, Report
from keyhole.model.address import read_address
from keyhole.model.name import read_name

_OWN_NAMES = ("localhost", "localhost.localdomain", "local", "broadcasthost", "ip6-localhost",
              "ip6-loopback", "ip6-allnodes", "ip6-allrouters")  # fmt: skip


def take_user_rules(setup: Setup, report: Report, lines: Sequence[str], filters: str) -> None:
    """Adds and reports every rule; ``filters`` is the bundle for clients with filtering."""
    importer = _RuleImporter(setup, report, filters)
    rules: list[AdblockRule] = []
    lost: dict[str, tuple[str, ...]] = {}
    for line in lines:
        try:
            rules += filter(None, [read_adblock_rule(line)])
        except ValueError as error:
            report.left(Kind.RULE, line, str(error))
            lost[line] = exempted(line)
    rewrites = {
        rule.text: rule.matches for rule in rules if rule.allow and rule.rewrite is not None
    }
    withdrawn = [_meaning(rule) for rule in rules if rule.is_badfilter]
    known = [_meaning(rule) for rule in rules if not rule.is_badfilter]
    for rule in rules:
        try:
            if rule.is_badfilter and _meaning(rule) not in known:
                raise ValueError(
                    "it disables a line of a list; put it into a file of your own that a List names"
                )
            if _meaning(rule) in withdrawn:
                raise ValueError("a $badfilter rule disables it, so neither is needed")
            _refuse_without_exception(rule, lost if rule.rewrite is None else rewrites)
            importer.take(rule)
        except ValueError as error:
            report.left(Kind.RULE, rule.text, str(error))


def _refuse_without_exception(rule: AdblockRule, exceptions: Mapping[str, Sequence[str]]) -> None:
    """Refuses a block whose exception cannot be kept: it would block what was exempted."""
    if rule.allow:
        return
    for text, names in exceptions.items():
        if any(_meet(one, other) for one in rule.matches for other in names):
            raise ValueError(f"its exception, {text}, cannot be kept; write rules for both by hand")


def _meet(one: str, other: str) -> bool:
    """Whether two names, or ``*.`` and a name, have names in common; expressions count as not."""
    if one.startswith("/") or other.startswith("/"):
        return False
    first, second = one.removeprefix("*."), other.removeprefix("*.")
    return (
        first == second
        or (one != first and second.endswith(f".{first}"))
        or (other != second and first.endswith(f".{second}"))
    )


def _meaning(rule: AdblockRule) -> tuple[object, ...]:
    """What ``$badfilter`` compares: everything but itself, however it is written."""
    types = tuple(sorted(rule.types))
    clients = tuple(sorted(rule.clients))
    return rule.allow, rule.matches, types, rule.important, clients, rule.rewrite, rule.hosts


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
        if any(name.lower() in _OWN_NAMES for name in names):
            raise ValueError("it names the machine itself, which answers for itself")
        if ip.is_unspecified or ip.is_loopback:
            matches = tuple(read_name(name) for name in names)
            self._add(replace(rule, matches=matches), None)
            return
        for index, name in enumerate(names):
            host_record(self.setup, self.report, name, address, rule.text, is_first=index == 0)

    def _rewrite(self, rule: AdblockRule, value: str) -> None:
        if rule.allow:
            raise ValueError("it exempts names from rewrites; do not add those names to the Record")
        rewrite = read_rewrite(value)
        if rewrite.answer is not None:
            self._add(rule, rewrite.answer)
            return
        if rule.types:
            raise ValueError(
                "it answers some types of a name and leaves the others; a Record answers for all "
                "types of its name"
            )
        if rule.clients or any(match.startswith("/") for match in rule.matches):
            raise ValueError("a Record is for one name and for policies; write it by hand")
        for index, name in enumerate(rule.matches):
            if rewrite.kind == "cname":
                cname_record(self.setup, self.report, name, rewrite.value, rule.text)
            else:
                host_record(
                    self.setup, self.report, name, rewrite.value, rule.text, is_first=index == 0
                )

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

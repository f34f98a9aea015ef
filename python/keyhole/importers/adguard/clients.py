"""Persistent clients, and who may ask at all."""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field

from keyhole.importers.addresses import Networks, client_network
from keyhole.importers.adguard.filtering import take_services
from keyhole.importers.common_settings import Audience, Setup
from keyhole.importers.hosts import HARDWARE
from keyhole.importers.report import Kind, Report
from keyhole.importers.typed_reader import Tree
from keyhole.importers.upstreams import take_upstreams
from keyhole.model.subject import read_token_name


@dataclass
class Shown:
    """What a client may be known by."""

    addresses: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    left: list[tuple[str, str]] = field(default_factory=list)
    """What cannot be shown here, each with the reason."""

    @property
    def changes(self) -> tuple[str, ...]:
        """What is different for those that are known by a token."""
        if not self.tokens:
            return ()
        made = ", ".join(f"keyhole token create {token}" for token in self.tokens)
        return (f"its ClientID becomes a token, which is secret: {made}; give it the new address",)


def read_ids(ids: Iterable[str]) -> Shown:
    """Sorts ids into addresses, networks and ClientIDs."""
    shown = Shown()
    for text in dict.fromkeys(one.strip() for one in ids):
        if HARDWARE.fullmatch(text.replace("-", ":")):
            why = (
                "a hardware address, which nobody can prove and routers hide; give it a "
                "certificate (keyhole enroll), a token (keyhole token) or a fixed address"
            )
            shown.left.append((text, why))
            continue
        try:
            shown.addresses.append(client_network(text))
        except ValueError:
            try:
                shown.tokens.append(read_token_name(text))
            except ValueError as error:
                shown.left.append((text, str(error)))
    shown.addresses = list(dict.fromkeys(shown.addresses))
    return shown


def take_clients(setup: Setup, report: Report, tree: Tree, filters: str) -> None:
    """Adds the clients; ``filters`` is the bundle for who is filtered."""
    dns = tree.under("dns")
    disallowed = _disallowed(setup, report, dns)
    clients = tree.under("clients")
    persistent = clients.trees("persistent") if clients.value else tree.trees("clients")
    for one in persistent:
        _client(setup, report, one, filters)
    networks = Networks(disallowed)
    for audience in setup.audiences:
        # There a network that is disallowed beats a client in it; here the client would.
        audience.is_denied |= any(networks.around(address) for address in audience.addresses)


def take_allowed(setup: Setup, report: Report, dns: Tree) -> None:
    """Denies whoever is not allowed, where only some are; all clients are there already."""
    allowed = dns.texts("allowed_clients")
    if allowed:
        _only(setup, report, read_ids(allowed))


def _client(setup: Setup, report: Report, one: Tree, filters: str) -> None:
    name = one.text("name", one.path)
    shown = read_ids(one.texts("ids"))
    for text, why in shown.left:
        report.left(Kind.CLIENT, f"{name}: {text}", why)
    own = not one.flag("use_global_settings", True)
    filtered = one.flag("filtering_enabled", True) if own else True
    audience = Audience(
        name,
        shown.addresses,
        shown.tokens,
        (filters,) if filtered else (),
        log="none" if one.flag("ignore_querylog", False) else "",
        changes=shown.changes,
        origin=f"{one.path}: {name}",
    )
    upstreams = [text for text in one.texts("upstreams") if not text.startswith(("[/", "#"))]
    audience.servers = tuple(take_upstreams(setup, report, upstreams))
    if not (shown.addresses or shown.tokens):
        why = "nothing is left by which it could be known; until then it is treated like everybody"
        report.left(Kind.CLIENT, name, why)
    else:
        setup.audiences.append(audience)
    if own:
        take_services(report, one, f"client {name}")
    elif not one.flag("use_global_blocked_services", True):
        for service in one.under("blocked_services").texts("ids"):
            why = "which names it has is AdGuard's own table; block its names with a rule"
            report.left(Kind.RULE, f"client {name}: blocked service {service}", why)
    if one.texts("tags"):
        why = "tags are for rules of AdGuard's lists; Keyhole has groups"
        report.left(Kind.SETTING, f"client {name}: tags {', '.join(one.texts('tags'))}", why)


def _disallowed(setup: Setup, report: Report, dns: Tree) -> list[str]:
    """Adds who is refused; gives their addresses and networks."""
    shown = read_ids(dns.texts("disallowed_clients"))
    for text, why in shown.left:
        report.left(Kind.CLIENT, f"disallowed: {text}", why)
    for text in [*shown.addresses, *shown.tokens]:
        is_token = text in shown.tokens
        setup.audiences.append(
            Audience(
                f"disallowed {text}",
                [] if is_token else [text],
                [text] if is_token else [],
                is_denied=True,
                origin="dns.disallowed_clients",
            )
        )
    return shown.addresses


def _only(setup: Setup, report: Report, allowed: Shown) -> None:
    """Who is not allowed is denied, clients included."""
    networks, tokens = Networks(allowed.addresses), set(allowed.tokens)
    for one in setup.audiences:
        inside = any(networks.around(address) for address in one.addresses)
        one.is_denied |= not (inside or tokens & set(one.tokens))
    setup.only = (
        *(f"cidr:{ipaddress.ip_network(address)}" for address in allowed.addresses),
        *(f"token:{token}" for token in allowed.tokens),
    )
    why = "the policy for everybody else names them as subjects; who has no policy is refused"
    report.taken(Kind.SETTING, "dns.allowed_clients", why)
    for text, reason in allowed.left:
        report.left(Kind.CLIENT, f"allowed: {text}", reason)

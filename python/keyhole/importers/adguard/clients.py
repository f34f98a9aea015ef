"""Persistent clients, and who may ask at all."""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field

from keyhole.importers.addresses import Networks, client_network
from keyhole.importers.adguard.filtering import take_services
from keyhole.importers.common_settings import ClientSettings, Setup
from keyhole.importers.hosts import HARDWARE_ADDRESS
from keyhole.importers.report import Kind, Report
from keyhole.importers.typed_reader import Section
from keyhole.importers.upstreams import take_upstreams
from keyhole.model.subject import read_token_name


@dataclass
class ClientIds:
    """What a client may be known by."""

    addresses: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    rejected: list[tuple[str, str]] = field(default_factory=list)
    """What cannot be shown here, each with the reason."""

    @property
    def changes(self) -> tuple[str, ...]:
        """What is different for those that are known by a token."""
        if not self.tokens:
            return ()
        made = ", ".join(f"keyhole token create {token}" for token in self.tokens)
        return (f"its ClientID becomes a token, which is secret: {made}; give it the new address",)


def read_ids(texts: Iterable[str]) -> ClientIds:
    """Sorts ids into addresses, networks and ClientIDs."""
    ids = ClientIds()
    for text in dict.fromkeys(one.strip() for one in texts):
        if HARDWARE_ADDRESS.fullmatch(text.replace("-", ":")):
            why = (
                "a hardware address, which nobody can prove and routers hide; give it a "
                "certificate (keyhole enroll), a token (keyhole token) or a fixed address"
            )
            ids.rejected.append((text, why))
            continue
        try:
            ids.addresses.append(client_network(text))
        except ValueError:
            try:
                ids.tokens.append(read_token_name(text))
            except ValueError as error:
                ids.rejected.append((text, str(error)))
    ids.addresses = list(dict.fromkeys(ids.addresses))
    return ids


def take_clients(setup: Setup, report: Report, root: Section, filters: str) -> None:
    """Adds the clients; ``filters`` is the bundle for who is filtered."""
    dns = root.under("dns")
    disallowed = _disallowed(setup, report, dns)
    clients = root.under("clients")
    persistent = clients.sections("persistent") if clients.value else root.sections("clients")
    for one in persistent:
        _client(setup, report, one, filters)
    networks = Networks(disallowed)
    for client in setup.clients:
        # There a network that is disallowed beats a client in it; here the client would.
        client.is_denied |= any(networks.covering(address) for address in client.addresses)


def take_allowed(setup: Setup, report: Report, dns: Section) -> None:
    """Denies whoever is not allowed, where only some are; all clients are there already."""
    allowed = dns.texts("allowed_clients")
    if allowed:
        _only(setup, report, read_ids(allowed))


def _client(setup: Setup, report: Report, one: Section, filters: str) -> None:
    name = one.text("name", one.path)
    ids = read_ids(one.texts("ids"))
    for text, why in ids.rejected:
        report.left(Kind.CLIENT, f"{name}: {text}", why)
    own = not one.flag("use_global_settings", True)
    filtered = one.flag("filtering_enabled", True) if own else True
    client = ClientSettings(
        name,
        ids.addresses,
        ids.tokens,
        (filters,) if filtered else (),
        log="none" if one.flag("ignore_querylog", False) else "",
        changes=ids.changes,
        origin=f"{one.path}: {name}",
    )
    upstreams = [text for text in one.texts("upstreams") if not text.startswith(("[/", "#"))]
    client.servers = tuple(take_upstreams(setup, report, upstreams))
    if not (ids.addresses or ids.tokens):
        why = "nothing is left by which it could be known; until then it is treated like everybody"
        report.left(Kind.CLIENT, name, why)
    else:
        setup.clients.append(client)
    if own:
        take_services(report, one, f"client {name}")
    elif not one.flag("use_global_blocked_services", True):
        for service in one.under("blocked_services").texts("ids"):
            why = "which names it has is AdGuard's own table; block its names with a rule"
            report.left(Kind.RULE, f"client {name}: blocked service {service}", why)
    if one.texts("tags"):
        why = "tags are for rules of AdGuard's lists; Keyhole has groups"
        report.left(Kind.SETTING, f"client {name}: tags {', '.join(one.texts('tags'))}", why)


def _disallowed(setup: Setup, report: Report, dns: Section) -> list[str]:
    """Adds who is refused; gives their addresses and networks."""
    ids = read_ids(dns.texts("disallowed_clients"))
    for text, why in ids.rejected:
        report.left(Kind.CLIENT, f"disallowed: {text}", why)
    for text in [*ids.addresses, *ids.tokens]:
        is_token = text in ids.tokens
        setup.clients.append(
            ClientSettings(
                f"disallowed {text}",
                [] if is_token else [text],
                [text] if is_token else [],
                is_denied=True,
                origin="dns.disallowed_clients",
            )
        )
    return ids.addresses


def _only(setup: Setup, report: Report, allowed: ClientIds) -> None:
    """Who is not allowed is denied, clients included."""
    networks, tokens = Networks(allowed.addresses), set(allowed.tokens)
    for one in setup.clients:
        inside = any(networks.covering(address) for address in one.addresses)
        one.is_denied |= not (inside or tokens & set(one.tokens))
    setup.served_subjects = (
        *(f"cidr:{ipaddress.ip_network(address)}" for address in allowed.addresses),
        *(f"token:{token}" for token in allowed.tokens),
    )
    why = "the policy for everybody else names them as subjects; who has no policy is refused"
    report.taken(Kind.SETTING, "dns.allowed_clients", why)
    for text, reason in allowed.rejected:
        report.left(Kind.CLIENT, f"allowed: {text}", reason)

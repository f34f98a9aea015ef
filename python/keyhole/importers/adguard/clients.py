"""Persistent clients, and the lists of allowed and disallowed clients."""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field

from keyhole.importers.addresses import Networks, client_network
from keyhole.importers.adguard.filtering import report_own_services
from keyhole.importers.adguard.restrictions import take_safe_search, take_services
from keyhole.importers.hosts import HARDWARE_ADDRESS
from keyhole.importers.product_settings import ClientSettings, Restrictions, Setup
from keyhole.importers.report import Kind, Report
from keyhole.importers.typed_reader import Section
from keyhole.importers.upstreams import take_upstreams
from keyhole.model.subject import read_token_name

_GLOBAL = ("filtering_enabled", "parental_enabled", "safebrowsing_enabled", "safe_search")
"""The keys of a client that use_global_settings replaces."""


@dataclass
class ClientIds:
    """What identifies a client."""

    addresses: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    rejected: list[tuple[str, str]] = field(default_factory=list)
    """Ids that Keyhole cannot use, each with the reason."""

    @property
    def changes(self) -> tuple[str, ...]:
        """What changes for clients that are identified by a token."""
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
                "a hardware address proves nothing, and routers hide it; give the client a "
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
    """Adds the clients; ``filters`` is the bundle for clients with filtering."""
    dns = root.under("dns")
    disallowed = _disallowed(setup, report, dns)
    is_list = isinstance(root.value.get("clients"), list)  # before schema 14
    place, key = (root, "clients") if is_list else (root.under("clients"), "persistent")
    for one in place.sections(key):
        with report.at(one.place):
            _client(setup, report, one, filters)
    networks = Networks(disallowed)
    for client in setup.clients:
        # In AdGuard a disallowed network wins over a client inside it; in Keyhole the client would.
        client.is_denied |= any(networks.covering(address) for address in client.addresses)


def take_allowed(setup: Setup, report: Report, dns: Section) -> None:
    """Denies the clients that are not allowed, if there is an allow list; call it last."""
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
        place=one.place,
    )
    client.servers = tuple(take_upstreams(setup, report, _upstreams(report, name, one)))
    if not (ids.addresses or ids.tokens):
        why = "nothing is left that identifies it; until then it is treated like every other client"
        report.left(Kind.CLIENT, name, why, one.place)
    else:
        setup.clients.append(client)
    if own:
        report_own_services(report, one, f"client {name}")
    else:
        one.ignore(*_GLOBAL)
    client.restrictions = _restrictions(setup, report, one, own=own)
    if tags := one.texts("tags"):
        why = "tags belong to rules in AdGuard's lists; use Keyhole's groups"
        at = report.place_of(one.place_of("tags"))
        report.left(Kind.SETTING, f"client {name}: tags {', '.join(tags)}", why, at)


def _restrictions(setup: Setup, report: Report, one: Section, *, own: bool) -> Restrictions:
    who, every = f"client {one.text('name', one.path)}", setup.restrictions
    search = (every.safe_search, every.youtube)
    if own:
        search = take_safe_search(report, one, who)
    if one.flag("use_global_blocked_services", True):
        services = one.under("blocked_services")
        services.ignore(*services.value)
        return Restrictions(*search, every.services, every.listed)
    return Restrictions(*search, *take_services(report, one, who))


def _upstreams(report: Report, name: str, one: Section) -> list[str]:
    """The client's upstreams for all names; those for some names are reported."""
    every = [text.strip() for text in one.texts("upstreams")]
    for text in (text for text in every if text.startswith("[/")):
        why = (
            "it forwards some names for this client alone; write an Upstream with domains, and "
            "name it in the upstreams of the policy of this client"
        )
        report.left(Kind.FORWARDING, f"client {name}: {text}", why)
    return [text for text in every if text and not text.startswith(("[/", "#"))]


def _disallowed(setup: Setup, report: Report, dns: Section) -> list[str]:
    """Adds the disallowed clients as denied; returns their addresses and networks."""
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
                place=report.place_of("dns.disallowed_clients"),
            )
        )
    return ids.addresses


def _only(setup: Setup, report: Report, allowed: ClientIds) -> None:
    """Denies every client that is not allowed."""
    networks, tokens = Networks(allowed.addresses), set(allowed.tokens)
    for one in setup.clients:
        inside = any(networks.covering(address) for address in one.addresses)
        one.is_denied |= not (inside or tokens & set(one.tokens))
    setup.served_subjects = (
        *(f"cidr:{ipaddress.ip_network(address)}" for address in allowed.addresses),
        *(f"token:{token}" for token in allowed.tokens),
    )
    why = (
        "they are the subjects of the policy for other clients; a client without policy is refused"
    )
    report.taken(Kind.SETTING, "dns.allowed_clients", why, report.place_of("dns.allowed_clients"))
    for text, reason in allowed.rejected:
        report.left(Kind.CLIENT, f"allowed: {text}", reason)

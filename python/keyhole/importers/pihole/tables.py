"""Groups, clients, lists and rules from the tables of ``gravity.db``."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from keyhole.importers.addresses import client_network
from keyhole.importers.database import Row
from keyhole.importers.hosts import HARDWARE_ADDRESS
from keyhole.importers.pihole.client_addresses import ClientAddresses
from keyhole.importers.pihole.rules import read_rule
from keyhole.importers.product_settings import Bundle, ClientSettings, ListSource, Setup
from keyhole.importers.report import Kind, Report
from keyhole.importers.urls import list_url

TABLES = (
    "group",
    "adlist",
    "adlist_by_group",
    "domainlist",
    "domainlist_by_group",
    "client",
    "client_by_group",
)
_DEFAULT = 0
"""The group for clients without a group, and for lists and rules by default."""
_ALLOW_LIST = 1
_LINKS = (
    ("adlist_by_group", "adlist_id", "adlist"),
    ("domainlist_by_group", "domainlist_id", "domainlist"),
    ("client_by_group", "client_id", "client"),
)
_COLUMNS = {
    "id", "enabled", "name", "description", "address", "comment", "type", "domain", "ip",
    "group_id", "adlist_id", "domainlist_id", "client_id",
    # When a row was made, and what Pi-hole counted in a list:
    "date_added", "date_modified", "date_updated", "number", "invalid_domains", "status",
    "abp_entries",
}  # fmt: skip


def take_tables(
    setup: Setup, report: Report, tables: Mapping[str, list[Row]], addresses: ClientAddresses
) -> None:
    """Adds all rows of the tables."""
    importer = _TableImporter(setup, report, tables, addresses)
    importer.groups()
    importer.lists()
    importer.rules()
    importer.clients()
    importer.unused()
    setup.default_bundles = tuple(key for key in setup.bundles if key == str(_DEFAULT))


@dataclass
class _TableImporter:
    setup: Setup
    report: Report
    tables: Mapping[str, list[Row]]
    addresses: ClientAddresses

    def groups(self) -> None:
        disabled: set[str] = set()
        used = {str(row.get("group_id")) for row in self.tables.get("client_by_group", ())}
        rows = self.tables.get("group", [])
        if not any(_number(row.get("id")) == _DEFAULT for row in rows):
            rows = [{"id": _DEFAULT, "enabled": 1, "name": "Default"}, *rows]
        for row in rows:
            number, name = _number(row.get("id")), _text(row.get("name"))
            if number is None or not name:
                what = f"row {row.get('id')!r:.40}"
                self.report.left(Kind.GROUP, what, "it has no number or name")
                continue
            key = str(number)
            if not _enabled(row):
                disabled.add(key)
                why = "it is disabled; what is only in this group applies to no client"
                self.report.left(Kind.GROUP, name, why)
                continue
            origin = f"group {name}"
            if comment := _text(row.get("description")):
                origin += f": {comment}"
            self.setup.bundles[key] = Bundle(name.lower(), origin=origin)
            note = "" if key in used or number == _DEFAULT else "no client is in it yet"
            self.report.taken(Kind.GROUP, name, note)

    def lists(self) -> None:
        in_groups = self._groups_of("adlist_by_group", "adlist_id")
        for row in self.tables.get("adlist", ()):
            address = _text(row.get("address"))
            number = _number(row.get("id"))
            if not _enabled(row):
                self.report.left(Kind.LIST, address, "it is disabled")
                continue
            try:
                url, changes = list_url(address)
            except ValueError as error:
                self.report.left(Kind.LIST, address, str(error))
                continue
            comment = _text(row.get("comment"))
            source = ListSource(
                url,
                allow=_number(row.get("type")) == _ALLOW_LIST,
                title=comment,
                origin=f"adlist {number}" + (f": {comment}" if comment else ""),
            )
            bundles = self._bundles(in_groups.get(number), Kind.LIST, address)
            for bundle in bundles:
                bundle.lists.append(source)
            if bundles:
                self.report.add(Kind.LIST, address, changes)
        if self._has_allow_list() and any(
            _number(r.get("type")) == 3 for r in self._enabled_rules()
        ):
            self.report.changed(
                Kind.SETTING, "allow lists against regex rules",
                "in Pi-hole an allow list wins over a denying regex; in Keyhole rules win",
            )  # fmt: skip

    def rules(self) -> None:
        in_groups = self._groups_of("domainlist_by_group", "domainlist_id")
        for row in self.tables.get("domainlist", ()):
            domain = _text(row.get("domain"))
            number = _number(row.get("id"))
            if not _enabled(row):
                self.report.left(Kind.RULE, domain, "it is disabled")
                continue
            try:
                rule, changes, note = read_rule(
                    domain, _number(row.get("type")), number, _text(row.get("comment"))
                )
            except ValueError as error:
                self.report.left(Kind.RULE, domain, str(error))
                continue
            bundles = self._bundles(in_groups.get(number), Kind.RULE, domain)
            for bundle in bundles:
                bundle.rules.append(rule)
            if bundles:
                self.report.add(Kind.RULE, domain, changes, note)

    def clients(self) -> None:
        in_groups = self._groups_of("client_by_group", "client_id")
        for row in self.tables.get("client", ()):
            written, comment = _text(row.get("ip")), _text(row.get("comment"))
            try:
                addresses, changes = self._addresses(written)
            except ValueError as error:
                why = f"{error}; until then it is treated like every other client"
                self.report.left(Kind.CLIENT, written, why)
                continue
            groups = in_groups.get(_number(row.get("id")), [])
            self.setup.clients.append(
                ClientSettings(
                    comment if comment and len(comment) <= 40 else written,
                    addresses,
                    bundles=tuple(group for group in groups if group in self.setup.bundles),
                    changes=changes,
                    origin=f"client {written}" + (f": {comment}" if comment else ""),
                )
            )

    def _addresses(self, written: str) -> tuple[list[str], tuple[str, ...]]:
        """The addresses of a client, which Pi-hole may identify in other ways."""
        if written.startswith(":"):
            raise ValueError(
                f"it means all clients of the interface {written[1:]}; name its networks"
            )
        if HARDWARE_ADDRESS.fullmatch(written):
            found = self.addresses.by_hardware.get(written.lower(), [])
            if not found:
                raise ValueError(
                    "a hardware address proves nothing, and routers hide it; give the client a "
                    "certificate (keyhole enroll), a token (keyhole token) or a fixed address"
                )
            return found, (f"identified by {', '.join(found)}, its fixed address there",)
        try:
            return [client_network(written)], ()
        except ValueError:
            found = self.addresses.by_name.get(written.lower(), [])
            if not found:
                raise ValueError(
                    "Keyhole does not look up names of clients; give the client a certificate, a "
                    "token or its address"
                ) from None
            return found, (f"identified by {', '.join(found)}, its address in the local records",)

    def unused(self) -> None:
        """Reports columns that are not known, and links that lead nowhere."""
        for table, rows in self.tables.items():
            unknown = dict.fromkeys(column for row in rows for column in row)
            for column in (one for one in unknown if one not in _COLUMNS):
                why = "the importer does not know this column of Pi-hole"
                self.report.left(Kind.SETTING, f"column {column[:100]} of {table}", why)
        groups = {_number(row.get("id")) for row in self.tables.get("group", ())} | {_DEFAULT}
        for table, key, of in _LINKS:
            known = {_number(row.get("id")) for row in self.tables.get(of, ())}
            for row in self.tables.get(table, ()):
                number, group = _number(row.get(key)), _number(row.get("group_id"))
                if number not in known or group not in groups:
                    what = (
                        f"{table}: {of} {row.get(key)!r:.40} in group {row.get('group_id')!r:.40}"
                    )
                    self.report.left(Kind.SETTING, what, "one of the two is not there")

    def _groups_of(self, table: str, key: str) -> dict[int | None, list[str]]:
        found: dict[int | None, list[str]] = {}
        for row in self.tables.get(table, ()):
            found.setdefault(_number(row.get(key)), []).append(str(_number(row.get("group_id"))))
        return found

    def _bundles(self, groups: Iterable[str] | None, kind: Kind, name: str) -> list[Bundle]:
        bundles = [
            self.setup.bundles[key]
            for key in dict.fromkeys(groups or ())
            if key in self.setup.bundles
        ]
        if not bundles:
            self.report.left(
                kind, name, "none of its groups is enabled, so it applies to no client"
            )
        return bundles

    def _has_allow_list(self) -> bool:
        return any(source.allow for one in self.setup.bundles.values() for source in one.lists)

    def _enabled_rules(self) -> Iterable[Row]:
        return (row for row in self.tables.get("domainlist", ()) if _enabled(row))


def _number(value: object) -> int | None:
    """A whole number; none for values of another type, which SQLite allows in any column."""
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace").strip()
    return value.strip() if isinstance(value, str) else ""


def _enabled(row: Row) -> bool:
    return row.get("enabled", 1) in (1, True)

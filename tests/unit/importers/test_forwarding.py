"""Forwarding by name, in the settings of other products."""

from pathlib import Path
from typing import Any

from keyhole.importers import Disposition
from tests.world.imported import Imported
from tests.world.imports import home as tables
from tests.world.imports import pihole_toml, teleporter

TAKEN, CHANGED, LEFT = Disposition.TAKEN, Disposition.CHANGED, Disposition.LEFT


def _forwarded(imported: Imported) -> dict[str, list[str]]:
    """The domains of each Upstream that has some, by its first address."""
    specs = imported.specs("Upstream").values()
    return {spec["addresses"][0]: spec["domains"] for spec in specs if "domains" in spec}


def _upstreams_named(imported: Imported) -> list[Any]:
    policies = imported.specs("Policy").values()
    return [spec["upstreams"] for spec in policies if "upstreams" in spec]


def test_upstreams_of_adguard_for_some_domains_are_taken_where_they_are_encrypted(
    tmp_path: Path,
) -> None:
    file = tmp_path / "AdGuardHome.yaml"
    file.write_text("""\
schema_version: 29
dns:
  upstream_dns:
    - tls://9.9.9.9
    - '[/corp.example/*.lan/]tls://10.0.0.1 10.0.0.2'
    - '[/test.example/]tls://10.0.0.1'
    - '[/fritz.box/]192.168.1.1'
    - '[/open.example/]#'
    - '[//]192.168.1.1'
  local_ptr_upstreams: ['192.168.1.1:5353']
""")
    found = Imported("adguard", file)
    assert _forwarded(found) == {"10.0.0.1": ["corp.example", "lan", "test.example"]}
    assert _upstreams_named(found) == [["dns.quad9.net", "10.0.0.1"]]
    both = found.item("[/corp.example/")
    assert both.disposition is CHANGED
    assert "lan itself is asked there, too" in both.why
    assert "10.0.0.2: it is not encrypted" in both.why
    assert found.item("[/test.example/]").disposition is TAKEN
    box = found.item("[/fritz.box/]")
    assert box.disposition is LEFT
    assert "domains: [fritz.box] and insecure: local-network" in box.why
    assert found.item("[/open.example/]").disposition is LEFT
    assert "names of one label" in found.item("[//]").why
    reverse = found.item("reverse names")
    assert 'addresses: ["192.168.1.1:5353"]' in reverse.why
    assert "domains: [10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, fd00::/8]" in reverse.why


def test_conditional_mappings_of_blocky_are_taken_where_they_are_encrypted(tmp_path: Path) -> None:
    file = tmp_path / "config.yml"
    file.write_text("""\
upstreams: {groups: {default: ["tcp-tls:9.9.9.9:853"]}}
conditional:
  mapping:
    corp.example,lan: tcp-tls:10.0.0.1:853#dc.corp.example
    fritz.box: 192.168.1.1
    .: 192.168.1.1
""")
    found = Imported("blocky", file)
    assert _forwarded(found) == {"10.0.0.1": ["corp.example", "lan"]}
    assert found.item("corp.example,lan").disposition is TAKEN
    assert "insecure: local-network" in found.item("fritz.box").why
    assert found.item(".: 192.168.1.1").disposition is LEFT


def test_what_pihole_forwards_in_the_clear_is_left_with_what_to_write(tmp_path: Path) -> None:
    toml = pihole_toml(
        upstreams=["9.9.9.9"], revServers=["true,192.168.0.0/16,192.168.1.1#53,fritz.box"]
    ).replace(
        "[misc]",
        '[misc]\n  dnsmasq_lines = ["server=/corp.example/10.0.0.1", '
        '"rev-server=10.0.0.0/8,198.51.100.1", "server=9.9.9.9"]',
    )
    found = Imported("pihole", teleporter(tmp_path / "t.zip", tables(), toml))
    assert _forwarded(found) == {}
    for name, written in {
        "true,192.168.0.0/16": "domains: [fritz.box, 192.168.0.0/16] and insecure: local-network",
        "server=/corp.example": "domains: [corp.example] and insecure: local-network",
        "rev-server=": "serverName and domains: [10.0.0.0/8]",
        "server=9.9.9.9": "write an Upstream with protocol dot or doh",
    }.items():
        item = found.item(name)
        assert (item.disposition, item.kind) == (LEFT, "forwarding"), name
        assert written in item.why, name
    # No address of a local network: nobody is told to ask it in the clear.
    assert "insecure" not in found.item("rev-server=").why


def test_where_all_other_upstreams_were_in_the_clear_policies_name_none(tmp_path: Path) -> None:
    file = tmp_path / "AdGuardHome.yaml"
    file.write_text("""\
schema_version: 29
dns:
  upstream_dns: [9.9.9.9, '[/corp.example/]tls://10.0.0.1']
""")
    found = Imported("adguard", file)
    assert _forwarded(found) == {"10.0.0.1": ["corp.example"]}
    assert _upstreams_named(found) == []
    # The encrypted service of the same operator is suggested, as it is without domains.
    assert any("dns.quad9.net" in text for text in found.done.files.values())


def test_more_domains_than_an_upstream_can_have_are_those_of_several(tmp_path: Path) -> None:
    names = [f"n{number}.example" for number in range(1001)]
    lines = "".join(f"    - '[/{name}/]tls://10.0.0.1'\n" for name in names)
    (file := tmp_path / "AdGuardHome.yaml").write_text(
        f"schema_version: 29\ndns:\n  upstream_dns:\n    - tls://9.9.9.9\n{lines}"
    )
    specs = Imported("adguard", file).specs("Upstream").values()
    domains = [spec["domains"] for spec in specs if "domains" in spec]
    assert [len(one) for one in domains] == [1000, 1]
    assert [*domains[0], *domains[1]] == names

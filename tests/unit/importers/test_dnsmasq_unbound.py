"""dnsmasq and Unbound: what is converted, and a reason for every other option of their manuals."""

from pathlib import Path

import pytest

from keyhole.control.import_settings import NothingTakenError, import_file
from keyhole.importers import Disposition, ImporterError, Report
from tests.world.imported import Imported
from tests.world.peer_files import FOLDER, ODD

DNSMASQ = (FOLDER / "dnsmasq-options.txt").read_text().split()
UNBOUND = [tuple(line.split()) for line in (FOLDER / "unbound-keys.txt").read_text().splitlines()]
_VALUES = {
    "address": "/ads.example/0.0.0.0",
    "cname": "www.example,nas.example",
    "dhcp-host": "02:00:5e:00:53:01,phone,192.0.2.7",
    "filter-rr": "TXT",
    "host-record": "nas.example,192.0.2.9",
    "local": "/lan/",
    "ptr-record": "8.2.0.192.in-addr.arpa,tv.example",
    "rebind-domain-ok": "/plex.example/",
    "rev-server": "192.0.2.0/24,192.0.2.1",
    "server": "9.9.9.9",
    "txt-record": 'x.example,"v=spf1, # -all"',
    "local-zone": '"ads.example" always_nxdomain',
    "local-data": "'nas.example. 60 IN A 192.0.2.9'",
    "local-data-ptr": '"192.0.2.9 nas.example"',
    "private-domain": "plex.example",
}
"""Values that make sense where another would not."""


def _report(product: str, file: Path) -> Report:
    try:
        return import_file(product, file, None).report
    except NothingTakenError as error:
        return error.report


def test_every_option_of_the_manual_of_dnsmasq_has_its_item_with_a_reason(tmp_path: Path) -> None:
    file = tmp_path / "dnsmasq.conf"
    file.write_text("".join(f"{key}={_VALUES.get(key, 'x')}  # why\n" for key in DNSMASQ))
    items = _report("dnsmasq", file).items
    told = {item.place.path: item for item in items if item.place}
    assert [key for key in DNSMASQ if key not in told] == []
    assert [one.name for one in items if "does not know" in one.why] == []
    assert [one.name for one in items if one.disposition is Disposition.LEFT and not one.why] == []


def test_every_key_of_the_manual_of_unbound_has_its_item_with_a_reason(tmp_path: Path) -> None:
    sections = dict.fromkeys(section for section, _ in UNBOUND)
    file = tmp_path / "unbound.conf"
    file.write_text(
        "".join(
            f"{section}:\n"
            + "".join(f"  {key}: {_VALUES.get(key, 'x')} # why\n" for at, key in UNBOUND
                      if at == section)
            for section in sections
        )
    )  # fmt: skip
    items = _report("unbound", file).items
    told = {item.place.path for item in items if item.place}
    assert [key for key in UNBOUND if ".".join(key) not in told] == []
    assert [one.name for one in items if "does not know" in one.why] == []
    assert [one.name for one in items if one.disposition is Disposition.LEFT and not one.why] == []


def test_a_folder_of_dnsmasq_is_converted(tmp_path: Path) -> None:
    (tmp_path / "dnsmasq.d").mkdir()
    (tmp_path / "dnsmasq.conf").write_text("server=1.1.1.1\nstop-dns-rebind\nsecret-new=hush\n")
    (tmp_path / "dnsmasq.d" / "lan.conf").write_text(
        "# of the house\n"
        "address=/ads.example/#\n"
        "address=/lan.example/192.0.2.4\n"
        "dhcp-host=02:00:5e:00:53:01,phone.example,192.0.2.7,12h\n"
        '--txt-record=x.example,"one, two"\n'
        "dhcp-host=02:00:5e:00:53:02,ignore\n"
    )
    (tmp_path / "dnsmasq.d" / "x.conf.dpkg-dist").write_text("address=/not.example/#\n")
    (tmp_path / "hosts").write_text("not read")
    done = Imported("dnsmasq", tmp_path)
    assert done.verdict("a.ads.example") == "blocked_by_rule"
    assert done.verdict("not.example") != "blocked_by_rule"
    records = {one["name"]: one for one in done.specs("Record").values()}
    assert records["phone.example"]["a"] == ["192.0.2.7"]
    assert records["*.lan.example"]["a"] == ["192.0.2.4"]
    assert records["x.example"]["txt"] == ["one, two"]
    assert "hush" not in str(done.done.report.document())
    place = done.item("phone.example 192.0.2.7").place
    assert (place.file, place.line) == ("dnsmasq.d/lan.conf", 4)  # type: ignore[union-attr]


def test_a_file_of_unbound_is_converted(tmp_path: Path) -> None:
    file = tmp_path / "unbound.conf"
    file.write_text(
        "server:\n"
        '  local-zone: "ads.example." always_nxdomain\n'
        '  local-zone: "lan.example" static\n'
        "  local-zone: all.example redirect\n"
        "  local-zone: always.example always_nxdomain\n"
        "  local-data: 'nas.always.example A 192.0.2.8'\n"
        '  local-data: "nas.lan.example. 300 IN A 192.0.2.9" # the NAS\n'
        "  local-data: 'all.example AAAA 2001:db8::9'\n"
        "  local-data: 'x.example TXT \"one two\"'\n"
        '  local-data: "x.example MX 10 mail.example"\n'
        '  local-data-ptr: "192.0.2.9 nas.lan.example"\n'
        "  private-domain: plex.example\n"
        "forward-zone:\n"
        '  name: "."\n'
        "  forward-tls-upstream: yes\n"
        "  forward-addr: 192.0.2.53@853#dns.example.org\n"
        "  forward-addr: 2001:db8::53#dns.example.org\n"
        "forward-zone:\n"
        "  name: corp.example\n"
        "  forward-addr: 192.0.2.54@8853#dns.corp.example\n"
        "  forward-tls-upstream: yes\n"
        "rpz:\n"
        "  name: threats\n"
        "  url: https://lists.example/threats.rpz\n"
    )
    done = Imported("unbound", file)
    assert done.verdict("x.ads.example") == "blocked_by_rule"
    assert done.verdict("other.lan.example") == "blocked_by_rule"
    assert done.verdict("nas.always.example") == "blocked_by_rule", "such a zone has no data"
    assert done.verdict("nas.lan.example") == "local_record"
    assert done.verdict("x.all.example", kind="AAAA") == "local_record"
    upstreams = list(done.specs("Upstream").values())
    assert {one["serverName"] for one in upstreams} == {"dns.example.org", "dns.corp.example"}
    assert [one["domains"] for one in upstreams if "domains" in one] == [["corp.example"]]
    assert [one["urls"] for one in done.specs("List").values()] == [
        ["https://lists.example/threats.rpz"]
    ]
    assert done.item("MX 10").disposition is Disposition.LEFT
    records = {one["name"]: one for one in done.specs("Record").values()}
    assert records["x.example"]["txt"] == ["one two"]
    assert records["9.2.0.192.in-addr.arpa"]["ptr"] == "nas.lan.example"


@pytest.mark.parametrize(
    ("product", "text"),
    [
        ("unbound", "server:\n cookie-secret: 5ec2e7\n secret-seed: 5ec2e7\n new: 5ec2e7\n"
         " cookie-secret:5ec2e7\n edns-client-string: 192.0.2.1 5ec2e7\n"
         "cachedb:\n redis-server-password: 5ec2e7\ndnscrypt:\n dnscrypt-secret-key: 5ec2e7\n"),
        ("dnsmasq", "umbrella=orgid:5ec2e7\nadd-cpe-id=5ec2e7\nnew=5ec2e7\n"),
    ],
)  # fmt: skip
def test_no_report_shows_a_secret(tmp_path: Path, product: str, text: str) -> None:
    file = tmp_path / "settings"
    file.write_text(text)
    report = _report(product, file)
    assert len(report.items) > 3
    assert "5ec2e7" not in str(report.document())


def test_a_zone_that_lets_names_through_does_so_below_one_that_withholds(tmp_path: Path) -> None:
    """In any order; the closest zone decides, as there."""
    file = tmp_path / "unbound.conf"
    file.write_text(
        "server:\n"
        "  local-zone: Open.corp.example. transparent\n"
        "  local-zone: corp.example static\n"
        "  local-zone: ask.corp.example always_transparent\n"
        "  local-zone: shut.open.corp.example refuse\n"
        "  local-zone: again.shut.open.corp.example inform\n"
        "  local-zone: more.open.corp.example inform\n"
        "  local-zone: lan.example transparent\n"
        "  local-zone: x.lan.example static\n"
        "  local-data: 'nas.x.lan.example A 192.0.2.9'\n"
    )
    done = Imported("unbound", file)
    resolved = {"open.corp.example", "a.open.corp.example", "a.ask.corp.example",
                "a.more.open.corp.example", "a.lan.example"}  # fmt: skip
    withheld = {"corp.example", "a.corp.example", "a.shut.open.corp.example", "x.lan.example",
                "a.again.shut.open.corp.example"}  # fmt: skip
    blocked = {one for one in resolved | withheld if done.verdict(one) == "blocked_by_rule"}
    assert blocked == withheld
    assert done.verdict("nas.x.lan.example") == "local_record"
    told = {one.name.split()[1]: (one.disposition, one.why) for one in done.done.report.items
            if "local-zone" in one.name}  # fmt: skip
    assert told["Open.corp.example."][0] is Disposition.CHANGED
    assert "important" in told["shut.open.corp.example"][1]
    assert "important" in told["again.shut.open.corp.example"][1]
    assert "as here" in told["lan.example"][1]
    assert told["x.lan.example"] == (Disposition.TAKEN, "")


def test_nothing_of_a_forward_zone_without_encryption_is_called_taken(tmp_path: Path) -> None:
    file = tmp_path / "unbound.conf"
    file.write_text("forward-zone:\n name: lan\n forward-addr: 192.0.2.1\n forward-first: no\n")
    items = _report("unbound", file).items
    assert {one.disposition for one in items if one.place} == {Disposition.LEFT}
    assert [one.place.line for one in items if one.place] == [2, 2, 3, 4]


@pytest.mark.parametrize("product", ["dnsmasq", "unbound"])
def test_an_odd_value_costs_its_own_item_alone(tmp_path: Path, product: str) -> None:
    file = tmp_path / "settings"
    odd = [str(one).replace("\n", " ") for one in ODD]
    if product == "dnsmasq":
        keys = [key for key in _VALUES if key in DNSMASQ]
        lines = [f"{key}={one}" for key in keys for one in odd]
        lines.append("address=/ads.example/#")
    else:
        keys = [key for key in _VALUES if key not in DNSMASQ]
        lines = ["server:"] + [f"{key}: {one}" for key in keys for one in odd]
        for key in ("name", "forward-addr", "forward-tls-upstream"):
            lines += [f"forward-zone:\n{key}: {one}" for one in odd]
        lines += [f"rpz:\nurl: {one}" for one in odd]
        lines += ["server:", "local-zone: ads.example deny"]
    file.write_text("\n".join(lines), encoding="utf-8")
    assert Imported(product, file).verdict("ads.example") == "blocked_by_rule"


@pytest.mark.parametrize("product", ["dnsmasq", "unbound"])
@pytest.mark.parametrize("text", ["", "hello world\n", "\x00\xff", "{}"])
def test_a_file_of_something_else_is_refused(tmp_path: Path, product: str, text: str) -> None:
    file = tmp_path / "x"
    file.write_text(text)
    with pytest.raises(ImporterError, match=f"{product}.conf"):
        import_file(product, file, None)
    with pytest.raises(ImporterError, match="no file or folder"):
        import_file(product, tmp_path / "gone", None)

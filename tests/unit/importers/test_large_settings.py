"""Settings as large as they may be, or larger: what is left, and that no item grows with its
line."""

from pathlib import Path

import pytest

from keyhole.control.import_settings import NothingTakenError, import_file
from keyhole.importers import ImporterError, Report, archive, config_files
from keyhole.importers.limits import MAX_LINE
from tests.world.imported import Imported


def _report(product: str, file: Path) -> Report:
    try:
        return import_file(product, file, None).report
    except NothingTakenError as error:
        return error.report


def test_quotation_marks_without_an_end_are_looked_at_once_and_left(tmp_path: Path) -> None:
    file = tmp_path / "dnsmasq.conf"
    escaped = '\\"' * (MAX_LINE // 2 - 20)
    file.write_text(
        f'txt-record=many.example,"{escaped}\n'
        'txt-record=open.example,"one\\\n'
        'txt-record=whole.example,"a \\" b",c\n'
    )
    done = Imported("dnsmasq", file)
    for name in ("many.example TXT", "open.example TXT"):
        assert "not closed" in done.item(name).why
    assert [one["txt"] for one in done.specs("Record").values()] == [['a \\" bc']]


def test_a_line_of_many_names_has_items_as_long_as_their_names(tmp_path: Path) -> None:
    """An item with the whole line for each name would have the square of its length."""
    names = "/".join(f"n{number}.example" for number in range(3_000))
    file = tmp_path / "dnsmasq.conf"
    file.write_text(
        f"address=/{names}/#\nserver=/x.{names}/#\nrebind-domain-ok=/{names}/\n"
        f"address=/{names}/192.0.2.300\ncname={names.replace('/', ',')},{'a' * 300}\n"
        f"host-record=nas.example{',192.0.2.1' * 3000}\n"
    )
    items = _report("dnsmasq", file).items
    assert sum(len(one.name) for one in items) < 10 * len(names)
    assert {one.name for one in items} >= {"address=/n7.example/#", "rebind-domain-ok=/n7.example/"}


def test_a_forward_zone_of_many_servers_and_many_aliases_are_read(tmp_path: Path) -> None:
    """Each server, url and alias was looked for among all others."""
    file = tmp_path / "unbound.conf"
    addresses = "".join(f" forward-addr: 192.0.2.1#n{one}.example\n" for one in range(2_000))
    zone = f"forward-zone:\n name: corp.example\n forward-tls-upstream: yes\n{addresses}"
    aliases = "".join(f" local-data: 'a{n + 1}.example CNAME a{n}.example'\n" for n in range(150))
    again = (
        "forward-zone:\n name: .\n forward-tls-upstream: yes\n forward-addr: 9.9.9.9#x.example\n"
    )
    file.write_text(f"{zone}{again * 2}server:\n{aliases}")
    done = Imported("unbound", file)
    assert len(done.specs("Upstream")) == 257
    assert "behind the first 256" in done.item("forward-zone corp.example").why
    assert "the first forward-zone" in done.item("forward-zone .").why
    chains = [one for one in done.done.report.items if "too long a chain" in one.why]
    assert len(chains) == 1, "what comes behind it begins a chain anew"


@pytest.mark.parametrize("product", ["dnsmasq", "unbound"])
def test_lines_and_files_that_are_too_long_are_left_with_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, product: str
) -> None:
    monkeypatch.setattr(config_files, "MAX_ITEMS", 5)
    lines = {"dnsmasq": "address=/{}/#", "unbound": "local-zone: {} always_nxdomain"}[product]
    one = lines.format("ads.example")
    main = tmp_path / f"{product}.conf"
    main.write_text(f"{one}\n\n{one}{' ' * MAX_LINE}\n{lines.format('more.example')}\n")
    report = _report(product, main)
    left = next(item for item in report.items if "characters" in item.why)
    assert (left.name, left.place and left.place.line) == (f"line 3 of {main.name}", 3)
    beside = tmp_path / f"{product}.d" if product == "dnsmasq" else tmp_path / "unbound.conf.d"
    beside.mkdir()
    (beside / "a.conf").write_text(f"{one}\n" * 4)
    (beside / "b.conf").write_text(f"{lines.format('last.example')}\n")
    done = Imported(product, tmp_path)
    assert "too many lines" in done.item(f"{beside.name}/a.conf").why
    assert done.verdict("last.example") == "blocked_by_rule"
    main.write_text(f"{one}\n" * 6)
    with pytest.raises(ImporterError, match="more than 5"):
        import_file(product, main, None)
    # The octets of all files together are bounded, too.
    main.write_text(f"{one}\n")
    monkeypatch.setattr(archive, "MAX_UNPACKED", len(one) + 10)
    assert "larger than" in Imported(product, tmp_path).item(f"{beside.name}/b.conf").why

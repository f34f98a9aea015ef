"""A capture is counted as an engine would count it."""

import gzip
from hashlib import sha256
from pathlib import Path

import pytest

from keyhole.control.error import ControlError
from keyhole.control.screen_replay import read_budgets, replay_capture


def capture(folder: Path, lines: list[str], name: str = "capture.tsv") -> Path:
    file = folder / name
    file.write_text("\n".join(lines) + "\n")
    return file


def tunnel(client: str, names: int, start: int = 0) -> list[str]:
    """So many names of 40 octets below one domain, one a second."""
    return [
        f"{start + number}.5\t{client}\t{number:038}.t.example.org\tTXT\tNOERROR\t35"
        for number in range(names)
    ]


HEADER = "seconds\tclient\tname\ttype\trcode\tanswer_bytes"


def test_a_tunnel_is_flagged_and_blocked_and_a_calm_client_is_not(tmp_path: Path) -> None:
    calm = [f"{second}\tcalm\twww{second % 9}.example.org\tA\tNOERROR\t4" for second in range(300)]
    # The captures of two clients, one behind the other: times decide, not lines.
    file = capture(tmp_path, [HEADER, *tunnel("bad", 300, 10), *calm])
    report = replay_capture(file, read_budgets({}))
    assert (report["queries"], report["clients"], report["unreadable"]) == (600, 2, 0)
    (pair,) = report["pairs"]
    assert (pair["client"], pair["domain"], pair["queries"]) == ("bad", "example.org", 300)
    # 40 octets of the name, 2 for the type TXT.
    assert pair["flagged"] == {"seconds": 34.5, "octets": 24 * 42}
    assert pair["blocked"] == {"seconds": 107.5, "octets": 97 * 42}
    # The names have 52 octets as text, and the rule is about longer ones.
    assert pair["baselines"] == {"long_names": None, "sub_names": None}


def test_budgets_can_be_set_and_the_others_yield(tmp_path: Path) -> None:
    file = capture(tmp_path, [HEADER, *tunnel("bad", 100)])
    report = replay_capture(file, read_budgets({"block": "512B"}))
    assert report["budgets"]["alert"] == report["budgets"]["throttle"] == 512
    assert report["pairs"][0]["blocked"]["octets"] == 12 * 42
    for sizes in ({"block": "1KiB", "alert": "2KiB"}, {"day": "1MiB"}, {"block": "many"}):
        with pytest.raises(ControlError):
            read_budgets(sizes)


def test_a_tunnel_that_is_split_over_clients_is_flagged_by_what_they_told_together(
    tmp_path: Path,
) -> None:
    lines = [line.replace("bad", f"c{at % 50}") for at, line in enumerate(tunnel("bad", 700))]
    report = replay_capture(capture(tmp_path, [HEADER, *lines]), read_budgets({}))
    assert report["flagged_domains"] == 0, "none by itself"
    (one,) = report["split"]
    assert one["domain"] == "example.org"
    assert 8_000 < one["octets"] < 13_000, "4,096 and 128 for each of 50"
    with pytest.raises(ControlError, match="split"):
        read_budgets({"split": "1B"})


@pytest.mark.parametrize(("clients", "is_split"), [(1, False), (100, True)])
def test_a_flood_of_random_names_below_one_domain_is_met_by_a_budget_or_by_the_sum(
    tmp_path: Path, clients: int, is_split: bool
) -> None:
    names = [sha256(b"%d" % number).hexdigest()[:12] for number in range(2_000)]
    lines = [
        f"{at / 100}\tc{at % clients}\t{name}.victim.example.org\tA\tNXDOMAIN\t0"
        for at, name in enumerate(names)
    ]
    report = replay_capture(capture(tmp_path, [HEADER, *lines]), read_budgets({}))
    blocked = [one["blocked"]["octets"] for one in report["pairs"] if one["blocked"]]
    assert [octets <= 4_096 for octets in blocked] == ([] if is_split else [True])
    assert bool(report["split"]) is is_split
    assert report["missing"] == [], "names of one domain are no domains that do not exist"


def test_a_client_that_asks_for_domains_that_do_not_exist_is_named(tmp_path: Path) -> None:
    lines = [f"{n}\tbot\txk{n}qz.com\tA\tNXDOMAIN\t0" for n in range(90)]
    lines += [f"{n}\toffline\tyk{n}qz.com\tA\tSERVFAIL\t0" for n in range(900)]
    report = replay_capture(capture(tmp_path, [HEADER, *lines]), read_budgets({}))
    expected = {"client": "bot", "seconds": 50.0, "domains": 51, "answers": 0}
    assert report["missing"] == [expected]


def test_a_file_of_names_is_one_client_that_asks_them_at_once(tmp_path: Path) -> None:
    file = tmp_path / "names.txt.gz"
    names = [f"{number:040}.fbcdn.net" for number in range(200)]
    file.write_bytes(gzip.compress("\n".join(names).encode()))
    assert replay_capture(file, read_budgets({}))["blocked_domains"] == 0
    report = replay_capture(file, read_budgets({}, shipped=False))
    assert (report["clients"], report["domains"], report["blocked_domains"]) == (1, 1, 1)


def test_a_recorded_page_load_is_a_client(tmp_path: Path) -> None:
    lines = ["page\tname\ttype", "a-1\twww.example.org\tA", "b-1\twww.example.org\tAAAA"]
    assert replay_capture(capture(tmp_path, lines), read_budgets({}))["clients"] == 2


@pytest.mark.parametrize("content", [b"", b"a\tb\n1\t2\n", b"\x1f\x8bnot gzip", b"\xff\xfe"])
def test_a_file_that_is_no_capture_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "odd").write_bytes(content)
    with pytest.raises(ControlError, match="odd"):
        replay_capture(tmp_path / "odd", read_budgets({}))


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ControlError, match="missing"):
        replay_capture(tmp_path / "missing", read_budgets({}))

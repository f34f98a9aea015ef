"""An import writes a complete and valid folder, or none."""

import json
import os
from pathlib import Path

import pytest

from keyhole.control import import_settings
from keyhole.control.error import ControlError, UnwritableError
from keyhole.control.import_settings import import_file, refused_expressions
from keyhole.errors import DocumentErrors
from keyhole.importers import ImporterError
from keyhole.policy import check
from tests.world.imports import DENY_REGEX, gravity, home, home_teleporter, rows


@pytest.fixture
def teleporter(tmp_path: Path) -> Path:
    return home_teleporter(tmp_path / "teleporter.zip")


def _contents(folder: Path) -> dict[str, bytes]:
    return {str(one.relative_to(folder)): one.read_bytes() for one in folder.rglob("*")
            if one.is_file()}  # fmt: skip


def test_the_folder_holds_documents_and_a_report_on_each_setting(
    tmp_path: Path, teleporter: Path
) -> None:
    done = import_file("pihole", teleporter, tmp_path / "out")
    written = {name: text.encode() for name, text in done.files.items()}
    contents = _contents(tmp_path / "out")
    report = json.loads(contents.pop("import.json"))
    assert contents == written
    assert len(report["items"]) == len(done.report.items)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["out", "teleporter.zip"]


def test_the_same_file_gives_the_same_documents(tmp_path: Path, teleporter: Path) -> None:
    first = import_file("pihole", teleporter, None)
    assert import_file("pihole", teleporter, None).files == first.files


def test_a_dry_run_writes_nothing(tmp_path: Path, teleporter: Path) -> None:
    done = import_file("pihole", teleporter, None)
    assert done.folder is None
    assert list(tmp_path.iterdir()) == [teleporter]


def test_an_existing_folder_is_not_changed(tmp_path: Path, teleporter: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.yaml").write_text("mine")
    with pytest.raises(ControlError, match="--force"):
        import_file("pihole", teleporter, out)
    assert _contents(out) == {"mine.yaml": b"mine"}


def test_with_force_the_old_folder_is_kept_beside_the_new_one(
    tmp_path: Path, teleporter: Path
) -> None:
    out = tmp_path / "out"
    for number in range(2):
        out.mkdir(exist_ok=True)
        (out / "mine.yaml").write_text(str(number))
        done = import_file("pihole", teleporter, out, replace_folder=True)
        assert done.backup is not None
        assert (done.backup / "mine.yaml").read_text() == str(number)
        assert "policies.yaml" in _contents(out)
    assert sorted(one.name for one in tmp_path.iterdir() if one.is_dir()) == [
        "out", "out.old", "out.old-2",
    ]  # fmt: skip


def test_a_link_or_a_file_in_the_place_of_the_folder_is_refused(
    tmp_path: Path, teleporter: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "file").write_text("x")
    for name in ("link", "file", "missing/out"):
        with pytest.raises(ControlError):
            import_file("pihole", teleporter, tmp_path / name, replace_folder=True)
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("there", [True, False])
def test_a_write_that_fails_leaves_everything_as_it_was(
    tmp_path: Path, teleporter: Path, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    out = tmp_path / "out"
    if there:
        out.mkdir()
        (out / "mine.yaml").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    written: list[str] = []

    def fails_later(path: Path, content: bytes, _mode: object) -> None:
        written.append(path.name)
        if len(written) == 3:
            raise UnwritableError("the disk is full")
        path.write_bytes(content)

    monkeypatch.setattr(import_settings, "write_durably", fails_later)
    with pytest.raises(UnwritableError):
        import_file("pihole", teleporter, out, replace_folder=True)
    assert sorted(tmp_path.rglob("*")) == before


def test_documents_that_would_not_be_valid_are_not_written(
    tmp_path: Path, teleporter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        import_settings,
        "write",
        lambda *_: {"policies.yaml": "apiVersion: keyhole.dev/v1\nkind: Nope\n"},
    )
    with pytest.raises(DocumentErrors, match="no kind Nope"):
        import_file("pihole", teleporter, tmp_path / "out")
    assert list(tmp_path.iterdir()) == [teleporter]


def test_a_file_without_anything_to_take_makes_no_folder(tmp_path: Path) -> None:
    (tmp_path / "config.yml").write_text("upstreams: {groups: {default: [1.1.1.1]}}\nblocking: {}")
    (tmp_path / "not.zip").write_bytes(b"hello")
    with pytest.raises(ImporterError):
        import_file("pihole", tmp_path / "not.zip", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_expression_that_grows_too_large_for_the_core_is_left(tmp_path: Path) -> None:
    too_large = "(a{1000}){1000}"
    tables = rows(
        domainlist=[
            {"id": 1, "type": DENY_REGEX, "domain": too_large},
            {"id": 2, "type": DENY_REGEX, "domain": "^ads"},
        ],
        domainlist_by_group=[{"domainlist_id": n, "group_id": 0} for n in (1, 2)],
    )
    done = import_file("pihole", gravity(tmp_path / "gravity.db", tables), None)
    dispositions = {
        item.name: item.disposition for item in done.report.items if item.kind == "rule"
    }
    assert dispositions == {too_large: "left", "^ads": "taken"}
    assert too_large not in "".join(done.files.values())


def test_refused_expressions_are_found_among_many() -> None:
    some = [f"/^ads{number}/" for number in range(20)]
    bad = ["/(a{1000}){1000}/", "/(b{1000}){1000}/"]
    assert set(refused_expressions([*some[:7], bad[0], *some[7:], bad[1]])) == set(bad)
    assert refused_expressions([]) == {}


def test_the_folder_without_an_upstream_lacks_nothing_else(tmp_path: Path) -> None:
    file = home_teleporter(tmp_path / "teleporter.zip", upstreams=["1.1.1.1"])
    done = import_file("pihole", file, tmp_path / "out")
    assert done.lacks_upstream
    wrong = [one.why for one in check([tmp_path / "out"]) if not one.is_advice]
    assert wrong == ["there is no Upstream, so nothing can be answered; declare one"]


def test_the_umask_sets_the_mode_of_the_folder(tmp_path: Path) -> None:
    file = gravity(tmp_path / "gravity.db", home())
    before = os.umask(0o027)
    try:
        import_file("pihole", file, tmp_path / "out")
    finally:
        os.umask(before)
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o750

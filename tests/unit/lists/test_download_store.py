"""The state of downloads is stored; a damaged state counts as missing."""

from pathlib import Path

import pytest

from keyhole.lists.download_store import DownloadState, DownloadStore

_URL = "https://lists.example.org/ads.txt?x=1"


def test_what_is_remembered_comes_back(tmp_path: Path) -> None:
    downloads = DownloadStore(tmp_path)
    kept = DownloadState(url=_URL, sha256="ab", octets=3, next_at=5.5)
    downloads.save(kept)
    downloads.path(_URL).write_text("ads\n")
    assert downloads.load(_URL) == kept


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"url": 5}', b"\xff\xfe"])
def test_a_damaged_record_counts_as_none(tmp_path: Path, damage: bytes) -> None:
    downloads = DownloadStore(tmp_path)
    downloads.save(DownloadState(url=_URL, failures=3))
    downloads.path(_URL).with_suffix(".json").write_bytes(damage)
    assert downloads.load(_URL) == DownloadState(url=_URL)


def test_a_record_without_its_list_counts_as_none(tmp_path: Path) -> None:
    downloads = DownloadStore(tmp_path)
    downloads.save(DownloadState(url=_URL, sha256="ab"))
    assert downloads.load(_URL) == DownloadState(url=_URL)


def test_a_url_cannot_name_a_file_elsewhere(tmp_path: Path) -> None:
    downloads = DownloadStore(tmp_path)
    for url in ("http://h/../../etc/passwd", "http://h/..%2f..", "http://h/a/", "http://[::1]/.."):
        assert downloads.path(url).parent == tmp_path / "downloads"
        assert downloads.path(url).name.endswith(".txt")
    assert downloads.path("http://h/a") != downloads.path("http://h/b/a")


def test_what_no_list_names_and_what_is_half_done_is_removed(tmp_path: Path) -> None:
    downloads = DownloadStore(tmp_path)
    for url in (_URL, "https://gone.example.org/"):
        downloads.save(DownloadState(url=url))
        downloads.path(url).write_text("x\n")
    half = downloads.path(_URL).with_name(f".{downloads.path(_URL).name}.new")
    half.write_text("half")
    downloads.remove_unused([_URL])
    assert half.exists(), "it may be under way"
    downloads.remove_drafts()
    names = {path.name for path in (tmp_path / "downloads").iterdir()}
    assert names == {downloads.path(_URL).name, downloads.path(_URL).with_suffix(".json").name}

"""Settings and certificates, as read from a data folder."""

from pathlib import Path

import pytest

from keyhole.control.certificates import SERVER, Certificates
from keyhole.control.check import check_files
from keyhole.control.data_folder import DataFolder
from keyhole.control.defaults import write_defaults
from keyhole.control.settings import Settings, read_last_good_settings, read_settings
from keyhole.control.start_settings import keep_settings
from keyhole.errors import DocumentErrors
from keyhole.identity import IdentityError


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    """A data folder after the first start."""
    data = DataFolder(tmp_path)
    write_defaults(data)
    return data


def _with(folder: DataFolder, text: str) -> Settings:
    folder.config.write_text(text)
    return read_settings(folder.config)


def test_the_default_files_are_valid_and_without_advice(folder: DataFolder) -> None:
    assert check_files([folder.config]).problems == []


def test_differences_are_named_by_their_keys(folder: DataFolder) -> None:
    before = read_settings(folder.config)
    after = _with(folder, 'workers: 3\nlisten: {udp: ["127.0.0.1:5333"]}\n')
    assert after.differences(before) == ["listen", "workers"]
    assert before.differences(before) == []


@pytest.mark.parametrize("later", ["{", "", "workers: 5\n"])
def test_the_settings_that_were_read_are_kept_and_not_what_the_file_holds_later(
    folder: DataFolder, later: str
) -> None:
    settings = _with(folder, "\ufeffworkers: 3\n")
    folder.config.write_text(later)
    folder.make()
    keep_settings(folder, settings)
    kept = read_last_good_settings(folder.config, folder.settings_copy)
    assert kept is not None
    assert kept.written.workers == 3


def test_an_unknown_key_is_an_error(folder: DataFolder) -> None:
    with pytest.raises(DocumentErrors, match="lisen"):
        _with(folder, "lisen: {}\n")


def test_a_certificate_is_made_once_and_given_to_the_engine_once(folder: DataFolder) -> None:
    certificates = Certificates(read_settings(folder.config), folder)
    pairs = certificates.read({})
    assert set(certificates.changed(pairs)) == {SERVER}
    certificates.remember(pairs)
    assert certificates.changed(certificates.read({})) == {}


def _with_given_certificate(folder: DataFolder) -> Settings:
    for name in ("mine.pem", "mine.key"):
        (folder.path / name).write_text("not what it should be\n")
    return _with(folder, "tls: {certificate: mine.pem, key: mine.key}\n")


def test_an_invalid_certificate_file_is_named(folder: DataFolder) -> None:
    settings = _with_given_certificate(folder)
    with pytest.raises(IdentityError, match=r"mine\.pem holds no PEM certificate"):
        Certificates(settings, folder).read({})


def test_given_certificates_are_watched_and_our_own_are_not(folder: DataFolder) -> None:
    assert Certificates(read_settings(folder.config), folder).files({}) == frozenset()
    files = Certificates(_with_given_certificate(folder), folder).files({})
    assert {file.name for file in files} == {"mine.pem", "mine.key"}

"""The settings to start with: those of the file, or else the last good ones, which are kept."""

from pathlib import Path

from keyhole.control.data_folder import DataFolder
from keyhole.control.missing_parts import settings_missing
from keyhole.control.parts import SETTINGS, Health, Parts
from keyhole.control.settings import Settings, read_last_good_settings, read_settings
from keyhole.errors import KeyholeError
from keyhole.system import durable


def find_settings(data: DataFolder, file: Path, parts: Parts) -> Settings:
    """The settings of the file. If they are missing or not valid, those of the last good start
    are used, and what is wrong is recorded. Raises ``DocumentErrors`` if there are none.
    """
    missing = settings_missing(data, file)
    error: KeyholeError
    if missing is None:
        try:
            return read_settings(file)
        except KeyholeError as problem:
            error = problem
    else:
        error = missing.error()
    settings = read_last_good_settings(file, data.settings_copy)
    if settings is None or not data.launch.exists():
        raise error
    state = Health.FAILED if missing is None else Health.MISSING
    parts.fail(SETTINGS, f"{error}\nthe settings of the last good start are used", state)
    return settings


def keep_settings(data: DataFolder, settings: Settings) -> None:
    """Keeps settings that were good for a later start. Raises ``OSError``.

    It writes what was read: the file may have been changed while this start went on.
    """
    if settings.text is not None:
        durable.write_text(data.settings_copy, settings.text)

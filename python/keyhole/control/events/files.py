"""The files that the section ``events`` names."""

from collections.abc import Iterator
from pathlib import Path

from keyhole.control.settings import Settings


def beside(folder: Path, written: str) -> Path:
    """A file as it is written in settings of that folder."""
    return folder / Path(written).expanduser()


def files_of(settings: Settings) -> Iterator[Path]:
    """The files of the section; the secret of a webhook lies in the data folder."""
    events, folder = settings.written.events, settings.file.absolute().parent
    syslog = events.syslog
    for written in (syslog.ca, syslog.certificate, syslog.key, events.webhook.ca):
        if written is not None:
            yield beside(folder, written)

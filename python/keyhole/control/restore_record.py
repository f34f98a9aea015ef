"""The record in a data folder that it was restored, and from which time its revocations are."""

from pathlib import Path

from pydantic import AwareDatetime, ValidationError

from keyhole.control.data_folder import DataFolder
from keyhole.model.field_types import Boundary
from keyhole.system import durable
from keyhole.system.regular_file import read_whole

FILE = "restored.json"


class RestoreRecord(Boundary):
    """When a folder was restored, from the backup of which time and version, and whether what was
    revoked after that time is revoked here too."""

    restored: AwareDatetime
    backup: AwareDatetime
    keyhole: str
    has_later_revocations: bool
    not_known: tuple[str, ...] = ()
    """The kinds of which it is not known what was revoked since, in words."""

    @property
    def text(self) -> str:
        """The same for people."""
        later = "revocations since were carried over"
        if not self.has_later_revocations:
            kinds = f" ({', '.join(self.not_known)})" if self.not_known else ""
            later = f"what was revoked since is not in it{kinds}"
        when = f"{self.restored:%Y-%m-%d %H:%M} UTC"
        return f"on {when} from the backup of {self.backup:%Y-%m-%d %H:%M} UTC; {later}"


def read_restore_record(data: DataFolder) -> RestoreRecord | None:
    """The record; none for a folder that was not restored."""
    try:
        return RestoreRecord.model_validate_json(read_whole(data.path / FILE))
    except (OSError, ValidationError):
        return None


def write_restore_record(folder: Path, record: RestoreRecord) -> None:
    """Raises ``OSError``."""
    durable.write_json(folder / FILE, record.model_dump(mode="json"))

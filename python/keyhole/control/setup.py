"""Goes on without the missing parts of a used data folder: the use case of ``keyhole setup``."""

from pathlib import Path

from keyhole.control.changes.stored import StoredFiles
from keyhole.control.clock import ClockRecord
from keyhole.control.data_folder import DataFolder
from keyhole.control.defaults import write_defaults
from keyhole.control.error import ControlError
from keyhole.control.first_look import SETTINGS
from keyhole.control.identity import authority_problem
from keyhole.control.missing_parts import (
    DATABASE,
    DOCUMENTS,
    OVERRIDES,
    STORED,
    MissingPart,
    all_missing,
    begin_record,
    settings_missing,
)
from keyhole.control.settings import Settings, read_last_good_settings, read_settings
from keyhole.errors import KeyholeError
from keyhole.identity.files import locked, make_private_folder
from keyhole.identity.journal import Author, note
from keyhole.store import Database, StoreError, revision
from keyhole.system import durable

_AUTHORITY = "authority"


def unusable_parts(data: DataFolder, config: Path | None) -> list[MissingPart]:
    """What a used data folder has no more, or cannot use, with what is lost without it.

    Raises ``ControlError`` while the clock is in doubt: an authority that only seems expired must
    not be replaced.
    """
    _refuse_wrong_clock(data)
    begin_record(data)
    file = config or data.config
    settings = _settings(data, file)
    if settings is None:
        missing = settings_missing(data, file)
        return [missing] if missing else []
    found = all_missing(data, settings)
    parts = {one.part for one in found}
    if not any(part.startswith("identity/") for part in parts):
        found += _bad_authority(data, settings)
    if DATABASE not in parts:
        found += _bad_database(data, settings)
    return found


def go_on_without(
    data: DataFolder, parts: list[MissingPart], author: Author | None = None
) -> list[Path]:
    """Lets the next start make the parts anew; returns the files that were written.

    What is there but of no use is kept beside, with ``.old`` after its name. The audit record says
    who has given up what.
    """
    words = {one.part for one in parts}
    for one in parts:
        for file in one.useless:
            durable.rename(file, _free_name(file))
    if words & {DATABASE, STORED}:
        # Documents of a database that is gone could not be changed by anybody.
        data.stored.unlink(missing_ok=True)
        data.overrides.unlink(missing_ok=True)
        words |= {STORED, OVERRIDES}
    if SETTINGS in words:
        data.settings_copy.unlink(missing_ok=True)
    if _AUTHORITY in words:
        words |= {one for one in data.installation.parts() if one.startswith("identity/")}
    data.installation.forget(*words)
    make_private_folder(data.identity)
    with locked(data.identity):
        detail = {"before": {one.part: one.lost for one in parts}, "after": None}
        note(data.identity, author or Author.of_command(), "setup_new", detail)
    if words & {SETTINGS, DOCUMENTS}:
        return write_defaults(data)
    return []


def _settings(data: DataFolder, file: Path) -> Settings | None:
    try:
        if settings_missing(data, file) is None:
            return read_settings(file)
    except KeyholeError:
        pass
    return read_last_good_settings(file, data.settings_copy)


def _refuse_wrong_clock(data: DataFolder) -> None:
    known = ClockRecord.read(data)
    doubt = known.doubt(ClockRecord.now()) if known else None
    if doubt is not None:
        raise ControlError(f"{doubt}; then run keyhole setup again")


def _bad_authority(data: DataFolder, settings: Settings) -> list[MissingPart]:
    problem = authority_problem(settings, data)
    if problem is None:
        return []
    lost = "the trust of every client in this Keyhole, all certificates, tokens and revocations"
    return [MissingPart(_AUTHORITY, problem, lost, (data.identity,))]


def _bad_database(data: DataFolder, settings: Settings) -> list[MissingPart]:
    if settings.resolved.database is not None or not data.database.exists():
        return []
    files = tuple(
        file
        for end in ("", "-wal", "-shm")
        if (file := data.database.with_name(data.database.name + end)).exists()
    )
    lost = "documents by command and by API with their history, people, decisions, audit record"
    try:
        database = Database.in_file(data.database, may_be_new=False)
    except StoreError as error:
        return [MissingPart(DATABASE, str(error), lost, files)]
    try:
        with database.read() as connection:
            last = revision(connection)
    finally:
        database.close()
    known = StoredFiles(data, settings.documents).number()
    if known is None or known <= last:
        return []
    why = f"the database {data.database} has {last} of {known} changes of documents"
    return [MissingPart(STORED, why, "the documents, people and decisions since")]


def _free_name(file: Path) -> Path:
    target, number = file.with_name(f"{file.name}.old"), 1
    while target.exists():
        number += 1
        target = file.with_name(f"{file.name}.old{number}")
    return target

"""Whether the database can be read, and whether it is of this version."""

from collections.abc import Iterator

from keyhole.control.data_folder import DataFolder
from keyhole.control.doctor.case import Case
from keyhole.control.doctor.finding import ROOM, WHO, Finding, note, unknown, works, wrong
from keyhole.control.first_look import is_blank
from keyhole.control.parts import DATABASE
from keyhole.store import StoreError
from keyhole.store.inspection import Form, UninspectedError, inspect_file


def look_at_database(case: Case) -> Iterator[Finding]:
    """Control says so of one that is in use; else the file is read, and never changed."""
    if case.settings is None or case.settings.resolved.control_server is not None:
        return
    about = "database"
    if case.status is not None:
        if not any(one["name"] == DATABASE for one in case.status["parts"]):
            yield works(about, "Keyhole uses it")
        return  # else its part says why
    if case.settings.resolved.database is not None:
        yield note(about, "it is on a server, which keyhole up will ask")
    elif not is_blank(case.data.database):
        yield _file(about, case.data)
    elif case.is_first:
        yield works(about, "keyhole up makes it")


def _file(about: str, data: DataFolder) -> Finding:
    file = data.database
    if data.is_claimed():
        return unknown(about, f"{file} is in use")
    try:
        form = inspect_file(file)
    except UninspectedError as error:
        is_right = isinstance(error.__cause__, PermissionError)
        return unknown(about, str(error), WHO if is_right else ROOM)
    except StoreError as error:
        return wrong(about, str(error), "restore it from a backup, or see keyhole setup")
    if form is Form.NEWER:
        return wrong(
            about,
            f"{file} is of a newer Keyhole",
            "start that version, or restore a backup from before the upgrade",
        )
    if form is Form.OLDER:
        return note(about, f"{file} is of an older Keyhole, and keyhole up brings it up to date")
    return works(about, f"{file} can be read")

"""Which lines of a query log are of the clients that ``--client`` means."""

import json
from contextlib import suppress
from typing import TYPE_CHECKING

from keyhole.control.data_folder import DataFolder
from keyhole.control.error import ControlError
from keyhole.system.regular_file import read_whole

if TYPE_CHECKING:
    from keyhole.control.client_names import QueryClients
    from keyhole.querylog import LogEntry


def find_clients(data: DataFolder, *, is_asked: bool) -> "QueryClients | None":
    """Who names the clients of a folder. None where nobody does and no client is asked for: what
    reads a whole snapshot takes longer to import than the rest of the command to run."""
    if not is_asked and not data.client_names.exists() and not _names_clients(data):
        return None
    from keyhole.control.client_names import QueryClients

    return QueryClients.of_folder(data)


def _names_clients(data: DataFolder) -> bool:
    """Whether a Client document is in a snapshot that was in force last."""
    for file in (data.snapshot, data.snapshot_copy):
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            subjects = json.loads(read_whole(file))["subjects"]
            parts = ("identities", "tokens", "networks")
            if any(one.get("client") for part in parts for one in subjects[part]):
                return True
    return False


class LogClient:
    """The clients that the word of ``--client`` means."""

    def __init__(self, word: str, clients: "QueryClients") -> None:
        self._word = word
        self._clients = clients
        self._meant = None if word.endswith("*") else clients.names.meant(word)

    def has(self, entry: "LogEntry") -> bool:
        """Whether the query of a line is one of theirs."""
        shown = (entry.client_ref.value, entry.client or "")
        if self._word.endswith("*"):
            return any(one.startswith(self._word[:-1]) for one in shown if one)
        meant = self._meant
        if meant is None:
            return self._word in shown
        if meant.client is not None:
            return self._clients.name_of(entry.document) == meant.client
        if meant.learned:
            name = self._clients.named(entry.document)
            return name is not None and name.name == meant.learned[0].name
        kind, value = entry.client_ref.kind, entry.client_ref.value
        if meant.path is not None and kind == "identity":
            return value.endswith(meant.path)
        if kind == "token" and value in meant.tokens:
            return True
        if meant.ranges is not None:
            return kind == "address" and value in meant.ranges
        return self._word in shown or (meant.address is not None and meant.address in shown)

    def must_be_known(self) -> None:
        """Raises ``ControlError`` if the word means no client: it is mistyped then, where no line
        has it either."""
        names = self._clients.names
        if self._meant is None and not self._word.endswith("*") and not names.is_empty:
            raise ControlError(f"--client: {names.not_known(self._word)}")

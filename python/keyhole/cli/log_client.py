"""Which lines of a query log are of the clients that ``--client`` means."""

from typing import TYPE_CHECKING

from keyhole.control.client_names import QueryClients
from keyhole.control.error import ControlError

if TYPE_CHECKING:
    from keyhole.querylog import LogEntry


class LogClient:
    """The clients that the word of ``--client`` means."""

    def __init__(self, word: str, clients: QueryClients) -> None:
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

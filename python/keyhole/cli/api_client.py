"""A client of the API of a running Keyhole: over its Unix socket or over the network."""

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Self

from keyhole.cli.server_target import find_target
from keyhole.control.data_folder import DataFolder, default_data_folder
from keyhole.errors import KeyholeError
from keyhole.system.no_tls import trusting_nobody
from keyhole.system.unix_socket import accepting_path, short_path

if TYPE_CHECKING:
    import httpx2

_SECONDS = 60.0

_PARAMETER = "query."


class ApiError(KeyholeError):
    """A running Keyhole cannot be reached, or refused the request.

    ``status`` is the HTTP status, 0 without an answer; ``document`` the problem (RFC 9457).
    """

    def __init__(self, message: str, status: int = 0, document: dict[str, Any] | None = None):
        super().__init__(message)
        self.status = status
        self.document = document or {}


class ApiClient:
    """A client of one Keyhole; a context manager.

    It connects to the Keyhole of the data folder ``data``. Without one it connects to the server
    that ``--server`` or ``KEYHOLE_SERVER`` names, else to the Keyhole of the default data folder.
    """

    def __init__(self, data: Path | None, seconds: float = _SECONDS) -> None:
        """Waits at most so many seconds for an answer."""
        self._seconds = seconds
        self._target = find_target(data)
        self._folder = DataFolder(data or default_data_folder())
        self._open = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as opening:
            if self._target is not None:
                self._client = opening.enter_context(self._target.client(self._seconds))
            else:
                self._client = opening.enter_context(self._local(opening))
            self._open = opening.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def ask(self, method: str, path: str, **request: Any) -> "httpx2.Response":
        """Sends a request; ``request`` are arguments of httpx2, such as ``json`` and ``params``.

        Raises `ApiError` with the reason if the answer is not a success."""
        import httpx2

        try:
            answer = self._client.request(method, path, **request)
        except httpx2.TransportError as error:
            raise ApiError(self._why(error)) from error
        if answer.is_success:
            return answer
        raise _refused(answer)

    def download(self, method: str, path: str, into: BinaryIO, **request: Any) -> None:
        """As `ask`, for an answer of any size: writes it into a file as it comes. Raises also where
        it ends early, and ``OSError``."""
        import httpx2

        try:
            with self._client.stream(method, path, **request) as answer:
                if not answer.is_success:
                    answer.read()
                    raise _refused(answer)
                for octets in answer.iter_bytes():
                    into.write(octets)
        except httpx2.TransportError as error:
            raise ApiError(self._why(error)) from error

    def _local(self, opening: ExitStack) -> "httpx2.Client":
        socket = accepting_path(self._folder.api_socket)
        if not socket.exists():
            raise ApiError(
                f"no Keyhole runs with the data folder {self._folder.path}; start keyhole up, or "
                "give --data with the folder of one that runs"
            )
        import httpx2

        path = opening.enter_context(short_path(socket))
        transport = httpx2.HTTPTransport(uds=path, verify=trusting_nobody())
        return httpx2.Client(
            transport=transport, base_url="http://localhost/api/v1", timeout=self._seconds
        )

    def _why(self, error: "httpx2.TransportError") -> str:
        if self._target is None:
            where = f"the Keyhole of {self._folder.path}"
            return f"{where} does not answer ({error}); does keyhole up still run?"
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return (
                f"the certificate of {self._target.url} cannot be trusted, and nothing was sent: "
                f"{error}; give its root certificate with --ca"
            )
        return f"{self._target.url} cannot be reached: {error}"


def _place(place: str) -> str:
    """A parameter of the API as the option that was typed."""
    is_option = place.startswith(_PARAMETER)
    return f"--{place.removeprefix(_PARAMETER).replace('_', '-')}" if is_option else place


def _refused(answer: "httpx2.Response") -> ApiError:
    try:
        document = answer.json()
        lines = [
            f"{_place(one['place'])}: {one['why']}" if one["place"] else one["why"]
            for one in document.get("problems", [])
        ]
        message = "\n".join(lines) or document["detail"]
    except (ValueError, KeyError, TypeError, AttributeError):
        return ApiError(f"the answer was HTTP {answer.status_code}", answer.status_code)
    return ApiError(message, answer.status_code, document)

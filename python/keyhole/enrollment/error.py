"""Errors between a client and the enrollment server."""

from keyhole.errors import KeyholeError


class EnrollmentError(KeyholeError):
    """The server cannot be reached or trusted, or refused the request."""

    def __init__(self, why: str, *, is_final: bool = False) -> None:
        super().__init__(why)
        self.is_final = is_final
        """Whether repeating the request is useless, since the server refused it."""

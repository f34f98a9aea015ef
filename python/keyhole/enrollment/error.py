"""What goes wrong between a client and the enrollment server."""

from keyhole.errors import KeyholeError


class EnrollmentError(KeyholeError):
    """The server could not be reached, could not be trusted, or said no."""

    def __init__(self, why: str, *, is_final: bool = False) -> None:
        super().__init__(why)
        self.is_final = is_final
        """Whether the same again will not help: the server understood, and said no."""

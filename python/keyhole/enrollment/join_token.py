"""The join token: one string with everything that a client needs for enrollment."""

import base64
import binascii
from typing import Annotated, ClassVar, Self

from pydantic import Field, ValidationError

from keyhole.config.sections.identity import BASE_URL
from keyhole.enrollment.error import EnrollmentError
from keyhole.model.field_types import Boundary


class JoinToken(Boundary):
    """The URL of the server, the SHA-256 of its root certificate, and a single-use secret."""

    PREFIX: ClassVar[str] = "khe1."

    url: Annotated[str, BASE_URL]
    pin: str = Field(pattern="^[0-9a-f]{64}$")
    secret: str = Field(pattern="^[a-z2-7]{32}$")

    def to_text(self) -> str:
        """A string of letters, digits, dots, - and _, which needs no shell quoting."""
        octets = base64.urlsafe_b64encode(self.model_dump_json().encode())
        return self.PREFIX + octets.decode().rstrip("=")

    @classmethod
    def read(cls, text: str) -> Self:
        """Reads a token; raises :class:`EnrollmentError` for any other text."""
        word = text.strip()
        if not word.startswith(cls.PREFIX):
            raise EnrollmentError(
                f"this is not the token of an enrollment, which begins with {cls.PREFIX}; "
                "keyhole enroll create prints one"
            )
        body = word.removeprefix(cls.PREFIX)
        try:
            octets = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
            return cls.model_validate_json(octets)
        except (binascii.Error, ValueError, ValidationError):
            raise EnrollmentError("the token is damaged; was all of it copied?") from None

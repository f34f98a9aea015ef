"""The token of an enrollment: one word that carries everything a client needs to begin."""

import base64
import binascii
from typing import Annotated, ClassVar, Self

from pydantic import Field, ValidationError

from keyhole.config.sections.identity import BASE_URL
from keyhole.enrollment.error import EnrollmentError
from keyhole.model.field_types import Boundary


class JoinToken(Boundary):
    """Where the server is, the SHA-256 of its root certificate, and the secret that works once."""

    PREFIX: ClassVar[str] = "khe1."

    url: Annotated[str, BASE_URL]
    pin: str = Field(pattern="^[0-9a-f]{64}$")
    secret: str = Field(pattern="^[a-z2-7]{32}$")

    def to_text(self) -> str:
        """One word of letters, digits, dots, - and _, which no shell takes apart."""
        octets = base64.urlsafe_b64encode(self.model_dump_json().encode())
        return self.PREFIX + octets.decode().rstrip("=")

    @classmethod
    def read(cls, text: str) -> Self:
        """Reads the word back; raises :class:`EnrollmentError` for any other."""
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

"""A client's folder with all that it takes to stay enrolled: where to renew, and by when."""

import random
import time
from pathlib import Path
from typing import Annotated

from pydantic import ValidationError

from keyhole.config.sections.identity import BASE_URL
from keyhole.enrollment import client
from keyhole.enrollment.error import EnrollmentError
from keyhole.enrollment.join_token import JoinToken
from keyhole.enrollment.message import CertificateResponse
from keyhole.identity.credentials import CredentialFolder, Credentials
from keyhole.identity.files import PUBLIC_FILE, make_private_folder, write_whole
from keyhole.model.field_types import Boundary
from keyhole.model.service import Service

FILE = "enrollment.json"
# Renewed before half of the life is over; spread, so that a fleet does not come all at once.
_EARLIEST, _LATEST = 0.4, 0.49


class EnrollmentState(Boundary):
    """``enrollment.json``: what a client was told when it was enrolled or renewed."""

    url: Annotated[str, BASE_URL]
    spiffe: str
    trust_domain: str
    service: Service


class EnrolledClient:
    """One enrolled client."""

    def __init__(self, folder: Path) -> None:
        self.folder = CredentialFolder(folder)
        self._share = random.uniform(_EARLIEST, _LATEST)  # noqa: S311  (no secret)

    @classmethod
    def join(cls, ticket: JoinToken, folder: Path) -> "EnrolledClient":
        """Redeems the token, and writes certificate, key and bundle into the folder.

        Raises :class:`EnrollmentError` when there is an identity in it already.
        """
        member = cls(folder)
        if member.folder.certificate.exists():
            raise EnrollmentError(
                f"{member.folder.certificate} is there already; renew it with keyhole enroll keep "
                "--once, or give --out with another folder"
            )
        # Before the secret is spent: a folder that cannot be written is found now.
        make_private_folder(folder)
        member._take(ticket.url, *client.redeem(ticket))
        return member

    def enrolled(self) -> EnrollmentState:
        """What the server said; raises :class:`EnrollmentError` for a folder that has no
        enrollment."""
        path = self.folder.path / FILE
        try:
            return EnrollmentState.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            raise EnrollmentError(
                f"{path} does not exist; is this the folder that keyhole enroll redeem wrote?"
            ) from None
        except ValidationError:
            raise EnrollmentError(f"{path} is damaged; enroll this client again") from None

    def credentials(self) -> Credentials:
        """Certificate, key and bundle as they are on the disk."""
        return self.folder.read()

    def renew(self) -> Credentials:
        """Gets the next certificate now, and gives it."""
        url = self.enrolled().url
        self._take(url, *client.renew(url, self.credentials()))
        return self.credentials()

    def due_in(self) -> float:
        """Seconds until it should be renewed, by the wall clock; 0 and less for now."""
        return self.credentials().half(self._share) - time.time()

    def _take(self, url: str, key: bytes, granted: CertificateResponse) -> None:
        said = EnrollmentState(
            url=url,
            spiffe=granted.spiffe,
            trust_domain=granted.trust_domain,
            service=granted.service,
        )
        # First: a certificate without the place where it is renewed would be of little use.
        octets = said.model_dump_json(indent=1).encode() + b"\n"
        write_whole(self.folder.path / FILE, octets, PUBLIC_FILE)
        self.folder.write(granted.certificate.encode(), key, granted.bundle.encode())

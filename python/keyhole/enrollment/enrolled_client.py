"""An enrolled client: its credential folder, and where and when to renew."""

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
from keyhole.system.regular_file import read_whole

FILE = "enrollment.json"
# Renewed before half of the lifetime; randomized, so that clients do not renew all at once.
_EARLIEST, _LATEST = 0.4, 0.49


class EnrollmentState(Boundary):
    """``enrollment.json``: the data from the last enrollment or renewal."""

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
    def join(cls, token: JoinToken, folder: Path, *, again: bool = False) -> "EnrolledClient":
        """Redeems the token, and writes certificate, key and bundle into the folder.

        Raises :class:`EnrollmentError` if the folder has a certificate already, unless ``again``.
        """
        enrolled = cls(folder)
        if enrolled.is_enrolled() and not again:
            raise EnrollmentError(
                f"{enrolled.folder.certificate} exists already; renew it with keyhole enroll keep "
                "--once, or give --out with another folder"
            )
        # Before the secret is used: detects a folder that is not writable.
        make_private_folder(folder)
        enrolled._store(token.url, *client.redeem(token))
        return enrolled

    def is_enrolled(self) -> bool:
        """Whether the folder has a certificate, valid or not: `renew` needs no new token."""
        return self.folder.certificate.exists()

    def needs_token(self) -> bool:
        """Whether its certificate has expired and the server does not renew it any more; renews it
        where it does. A server that cannot be asked says nothing against it."""
        if self.credentials().leaf.not_valid_after_utc.timestamp() > time.time():
            return False
        try:
            self.renew()
        except EnrollmentError as error:
            return error.is_final
        return False

    def enrolled(self) -> EnrollmentState:
        """Reads ``enrollment.json``; raises :class:`EnrollmentError` if that fails."""
        path = self.folder.path / FILE
        try:
            return EnrollmentState.model_validate_json(read_whole(path))
        except FileNotFoundError:
            raise EnrollmentError(
                f"{path} does not exist; is this the folder that keyhole enroll redeem wrote?"
            ) from None
        except ValidationError:
            raise EnrollmentError(f"{path} is damaged; enroll this client again") from None

    def credentials(self) -> Credentials:
        """Certificate, key and bundle as they are on disk."""
        return self.folder.read()

    def renew(self) -> Credentials:
        """Renews now; returns the new credentials."""
        url = self.enrolled().url
        self._store(url, *client.renew(url, self.credentials()))
        return self.credentials()

    def due_in(self) -> float:
        """Seconds until renewal is due, by the wall clock; 0 or less if it is due."""
        return self.credentials().time_at(self._share) - time.time()

    def _store(self, url: str, key: bytes, granted: CertificateResponse) -> None:
        state = EnrollmentState(
            url=url,
            spiffe=granted.spiffe,
            trust_domain=granted.trust_domain,
            service=granted.service,
        )
        # First, since a certificate cannot be renewed without this URL.
        octets = state.model_dump_json(indent=1).encode() + b"\n"
        write_whole(self.folder.path / FILE, octets, PUBLIC_FILE)
        self.folder.write(granted.certificate.encode(), key, granted.bundle.encode())

"""The enrollment server of a running Keyhole, and the join tokens for clients."""

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from keyhole.control.data_folder import DataFolder, check_exists
from keyhole.control.error import ControlError, InvalidError
from keyhole.control.notice import Notice, Notify, Severity
from keyhole.control.settings import Settings
from keyhole.enrollment import JoinToken
from keyhole.http.connection_limiter import OnRefused
from keyhole.identity import Authority
from keyhole.identity.enrollments import (
    Enrollment,
    cancel_enrollment,
    create_enrollment,
    list_enrollments,
)
from keyhole.identity.journal import Author
from keyhole.identity.sign import fingerprint
from keyhole.model.address import Endpoint
from keyhole.model.spiffe import read_short_name, spiffe_id_for

if TYPE_CHECKING:
    from keyhole.enrollment.server import EnrollmentServer


def enrollment_server(
    settings: Settings, data: DataFolder, notify: Notify, on_refused: OnRefused
) -> "EnrollmentServer | None":
    """The enrollment server of the settings; none if it is off."""
    resolved = settings.resolved
    if not resolved.enrollment.listen:
        return None
    # Imported here: most installations never enroll a client and need no HTTP server.
    from keyhole.enrollment.server import EnrollmentServer, Setup

    def report(is_good: bool, sentence: str) -> None:
        text, *details = sentence.splitlines()
        severity = Severity.INFO if is_good else Severity.WARNING
        notify(Notice(severity, text, tuple(details)))

    return EnrollmentServer(
        Setup(
            folder=data.identity,
            domain=resolved.trust_domain,
            listen=resolved.enrollment.listen,
            url=resolved.enrollment.url,
            names=resolved.tls.names,
            networks=settings.written.clients,
            grace=timedelta(seconds=resolved.enrollment.grace),
            service=resolved.service,
        ),
        report,
        on_refused,
    )


@dataclass(frozen=True)
class Invitation:
    """A pending enrollment and its join token, which cannot be shown again."""

    enrollment: Enrollment
    token: str
    url: str


@dataclass(frozen=True)
class InvitationRequest:
    """The parameters of an enrollment; without ``spiffe``, the ID is built from the name."""

    name: str
    spiffe: str | None
    life: timedelta
    valid_for: timedelta
    also_server: bool
    url: str | None
    replace: bool


def invite(
    settings: Settings,
    data: DataFolder,
    request: InvitationRequest,
    author: Author | None = None,
) -> Invitation:
    """Creates a join token, with which a client gets its certificate once.

    Raises ``ControlError`` if enrollment is off, so that no client could redeem the token.
    """
    url = request.url or public_url(settings)
    authority = Authority.open(data.identity, domain=settings.resolved.trust_domain)
    name = read_name(request.name)
    enrollment, secret = create_enrollment(
        data.identity,
        name,
        request.spiffe or spiffe_id_for(name, authority.domain),
        life=request.life,
        valid_for=request.valid_for,
        also_server=request.also_server,
        replace=request.replace,
        author=author,
    )
    join_token = JoinToken(url=url, pin=fingerprint(authority.certificate), secret=secret)
    return Invitation(enrollment, join_token.to_text(), url)


def enrollments_of(data: DataFolder) -> tuple[Enrollment, ...]:
    """All enrollments on record. Raises ``ControlError`` if the folder does not exist."""
    check_exists(data)
    return list_enrollments(data.identity)


def cancel(data: DataFolder, name: str, author: Author | None = None) -> None:
    """Cancels a pending enrollment."""
    check_exists(data)
    if not data.identity.is_dir():
        raise ControlError(f"{data.path} has no authority yet, so nothing waits there")
    cancel_enrollment(data.identity, name, author=author)


def public_url(settings: Settings) -> str:
    """The enrollment URL for clients."""
    enrollment = settings.resolved.enrollment
    if enrollment.url is not None:
        return enrollment.url
    listening = [one for one in enrollment.listen if one.port]
    if not listening:
        raise ControlError(
            'enrollment is off; write `enrollment: {listen: ["127.0.0.1:8444"]}` (or an address '
            f"that clients reach) into {settings.file} and start keyhole up again; or make a "
            "certificate on this machine with keyhole identity issue"
        )
    return _url(listening[0], settings)


def read_name(written: str) -> str:
    """Reads the name of a client; raises ``InvalidError`` if it is not valid."""
    try:
        return read_short_name(written)
    except ValueError as error:
        raise InvalidError(str(error)) from None


def _url(endpoint: Endpoint, settings: Settings) -> str:
    if not endpoint.ip.is_unspecified:
        return f"https://{endpoint}"
    service = settings.resolved.service
    reached = [place.host for place in (*service.dot, *service.doh)]
    host = next(iter(reached), None) or service.name
    if host is None:
        raise ControlError(
            f"enrollment listens on {endpoint}, every address; say in enrollment.url which one "
            "clients connect to"
        )
    return f"https://{host}:{endpoint.port}"

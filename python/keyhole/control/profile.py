"""The use case behind ``keyhole profile``: settings for another program."""

from dataclasses import dataclass
from pathlib import Path

from keyhole.control.data_folder import DataFolder
from keyhole.control.error import InvalidError
from keyhole.control.identity import settings_of
from keyhole.control.settings import Settings
from keyhole.enrollment.enrolled_client import FILE, EnrolledClient
from keyhole.identity import Authority, read_tokens
from keyhole.identity.ca_files import BUNDLE, read_bundle
from keyhole.identity.credentials import CredentialFolder
from keyhole.identity.sign import certificate_pem
from keyhole.identity.tokens import digest, is_token
from keyhole.model.service import Service, ServiceAddress
from keyhole.profile import TITLES, Client, Profile, ProfileError, render
from keyhole.profile.client import Identity
from keyhole.system.regular_file import read_whole

ROOTS_ELSEWHERE = Path("/etc/keyhole/bundle.pem")
"""Where the roots are on the machine of a client, unless something else is said."""
_EXAMPLE = "a" * 32
"""Has the form of a token."""


@dataclass(frozen=True)
class OfferedProfile:
    """A kind of profile: what it is for, and the file; ``why_not`` where it is not possible with
    these settings."""

    kind: str
    title: str
    file: str | None
    why_not: str | None


@dataclass(frozen=True)
class ProfileRequest:
    """The options from the command line."""

    kind: str
    token: str | None
    identity: Path | None
    address: str | None
    name: str | None
    roots: Path | None


def make_profile(data: DataFolder, config: Path | None, request: ProfileRequest) -> Profile:
    """Makes a profile. The server data come from the folder of an enrolled client, or else from the
    data folder of the Keyhole on this machine.

    Raises ``InvalidError`` for an invalid token, and ``ProfileError`` if the kind cannot do it.
    """
    if request.identity is not None and (request.identity / FILE).exists():
        service = EnrolledClient(request.identity).enrolled().service
        return render(request.kind, _client(request, service, request.identity / BUNDLE, ()))
    return make_server_profile(settings_of(data, config), data, request)


def make_server_profile(settings: Settings, data: DataFolder, request: ProfileRequest) -> Profile:
    """Makes a profile for a client of the Keyhole of this data folder; raises as `make_profile`."""
    _check_token(data, request.token)
    return render(request.kind, _server_client(settings, data, request))


def offered_profiles(settings: Settings, data: DataFolder) -> list[OfferedProfile]:
    """Each kind of profile, and whether a device with a token can have it here."""
    request = ProfileRequest("", _EXAMPLE, None, None, None, roots=ROOTS_ELSEWHERE)
    client = _server_client(settings, data, request)
    found = []
    for kind, title in TITLES.items():
        try:
            profile = render(kind, client)
        except ProfileError as error:
            found.append(OfferedProfile(kind, title, None, str(error)))
        else:
            found.append(OfferedProfile(kind, title, profile.file, None))
    return found


def _server_client(settings: Settings, data: DataFolder, request: ProfileRequest) -> Client:
    if not read_bundle(data.identity):
        Authority.open(data.identity, domain=settings.resolved.trust_domain)
    roots = data.identity / BUNDLE
    notes: tuple[str, ...] = ()
    if request.roots is None:
        notes = (
            f"{roots} is for its owner alone: put a copy where the program may read it, and say "
            "where with --roots",
        )
    if settings.server_identity is not None:
        notes += (
            f"this Keyhole shows the certificate {settings.server_identity.certificate}: have the "
            "client trust its authority rather than Keyhole's own",
        )
    return _client(request, settings.resolved.service, roots, notes)


def _client(
    request: ProfileRequest, service: Service, roots: Path, notes: tuple[str, ...]
) -> Client:
    return Client(
        service=_moved(service, request),
        roots=(request.roots or roots).absolute(),
        roots_pem=certificate_pem(*read_bundle(roots.parent)),
        token=request.token,
        identity=_identity(request.identity) if request.identity else None,
        notes=notes,
    )


def _moved(service: Service, request: ProfileRequest) -> Service:
    """The service with the address and name from the command line, if given."""
    changes: dict[str, object] = {}
    if request.address is not None:
        for key in ("dot", "doh"):
            places: tuple[ServiceAddress, ...] = getattr(service, key)
            moved = [one.model_copy(update={"address": request.address}) for one in places]
            changes[key] = [one.model_dump() for one in dict.fromkeys(moved)]
    if request.name is not None:
        changes["name"] = request.name
        given = request.name.lower().rstrip(".")
        changes["names"] = {n: wanted for n, wanted in service.names.items() if n == given}
    try:
        return Service.model_validate({**service.model_dump(), **changes})
    except ValueError:
        raise InvalidError(
            "--address takes an IP address, and --name a DNS name, as the server's certificate "
            "carries them"
        ) from None


def _identity(folder: Path) -> Identity:
    files = CredentialFolder(folder.absolute())
    credentials = files.read()
    return Identity(
        certificate=files.certificate,
        key=files.key,
        spiffe=credentials.spiffe,
        certificate_pem=credentials.chain,
        key_pem=read_whole(files.key),
    )


def _check_token(data: DataFolder, token: str | None) -> None:
    if token is None:
        return
    tokens = read_tokens(data.identity)
    if token in tokens:
        raise InvalidError(
            f"the token {token} is not kept, only its digest: give the 32 characters that keyhole "
            f"token create printed, or make new ones with keyhole token create {token} --replace"
        )
    if not is_token(token):
        raise InvalidError(
            "a token has 32 characters, a to z and 2 to 7; keyhole token create NAME makes one"
        )
    if digest(token) not in tokens.values():
        raise InvalidError("this token does not exist here; keyhole token list shows all")

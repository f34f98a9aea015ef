"""Certificates and keys: of the listeners, of the API, of the own authority, and for upstreams."""

import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from keyhole.config.sections.api import api_names
from keyhole.control.certificates import SERVER, Certificates
from keyhole.control.doctor.case import Case
from keyhole.control.doctor.finding import Finding, note, unknown, warning, works, wrong
from keyhole.control.settings import Settings
from keyhole.engine.launch import Identity
from keyhole.errors import KeyholeError
from keyhole.identity import Authority, IdentityError, read_certificate_and_key, read_tokens
from keyhole.identity.ca_files import ISSUER, ISSUER_KEY, ROOT, ROOT_KEY, read_ecdsa_key
from keyhole.identity.certificate_and_key import CertificateAndKey, read_certificates
from keyhole.identity.revoked import read_revoked
from keyhole.identity.sign import Signer, is_signed_by
from keyhole.model.address import is_address
from keyhole.policy.compile.upstreams import client_identities
from keyhole.system.secret_file import OTHERS

WARN = timedelta(days=14)
"""How long before its end a certificate of somebody else is spoken of, unless its life is short."""
_SHORT = 5
"""One with a shorter life is spoken of in the last part of it, one in so many."""
_RENEW = "renew it; Keyhole reads the new files by itself"


def look_at_certificates(case: Case) -> Iterator[Finding]:
    """Each pair of certificate and key, and the authority."""
    settings = case.settings
    if settings is None:
        yield unknown("certificates", "without valid settings nobody knows which there are")
        return
    listen = settings.written.listen
    if listen.dot or listen.doh:
        yield from _server(case, settings)
    yield from _api(case, settings)
    yield from _authority(case)
    yield from _for_upstreams(case)


def _server(case: Case, settings: Settings) -> Iterator[Finding]:
    files = Certificates(settings, case.data).places({})[SERVER]
    about = "certificate of the listeners"
    if settings.server_identity is None:
        yield from _own(case, about, files)
        return
    pair, found = _pair(about, files)
    yield from found
    if pair is not None:
        wanted = tuple(one for one in settings.written.tls.names if not _has(pair, one))
        if wanted:
            yield warning(
                about,
                f"tls.names has {', '.join(wanted)}, and the certificate does not: clients that "
                "ask for that name refuse it",
                "get a certificate with these names, or take them out of tls.names",
            )


def _api(case: Case, settings: Settings) -> Iterator[Finding]:
    api = settings.resolved.api
    if not any(api.written.is_encrypted(one) for one in api.written.listen):
        return
    about = "certificate of the API"
    if api.certificate is None or api.key is None:
        folder = case.data.identity
        yield from _own(case, about, Identity(folder / "api.pem", folder / "api-key.pem"))
        return
    pair, found = _pair(about, Identity(api.certificate, api.key))
    yield from found
    wanted = [one for one in api_names(api.written)[0] if one != "localhost"]
    missing = [one for one in wanted if pair is not None and not _has(pair, one)]
    if missing:
        yield warning(about, f"it is not for {', '.join(missing)} of api.hosts", _RENEW)


def _own(case: Case, about: str, files: Identity) -> Iterator[Finding]:
    """One that Keyhole issues, renews and replaces by itself."""
    if not files.certificate.exists():
        yield note(about, "Keyhole issues it when it starts")
        return
    pair, found = _pair(about, files)
    if pair is None and case.status is None:
        why = "; ".join(one.seen for one in found)
        yield note(about, f"{why}; Keyhole issues another one when it starts")
        return
    yield from found


def _authority(case: Case) -> Iterator[Finding]:
    about, folder = "own authority", case.data.identity
    if not (folder / ROOT).exists():
        if case.is_first:
            yield note(about, "keyhole up makes it when it starts for the first time")
        return
    now = datetime.now(UTC)
    try:
        root = read_certificates(folder / ROOT)[0]
        issuer = read_certificates(folder / ISSUER)[0]
        signer = Signer(issuer, read_ecdsa_key(folder / ISSUER_KEY, issuer))
        has_root_key = (folder / ROOT_KEY).exists()
        if has_root_key:
            read_ecdsa_key(folder / ROOT_KEY, root)
        read_tokens(folder)
        read_revoked(folder)
    except IdentityError as error:
        yield wrong(about, str(error), "restore the folder from a backup, or see keyhole setup")
        return
    for name in (ROOT_KEY, ISSUER_KEY):
        yield from _rights(about, folder / name)
    end = root.not_valid_after_utc
    if end <= now:
        yield wrong(about, f"its root {folder / ROOT} ended on {end:%Y-%m-%d}", "see keyhole setup")
        return
    if not is_signed_by(issuer, root):
        yield warning(about, f"{folder / ISSUER} is not signed by {ROOT}, and is made anew")
    for advice in Authority(folder, root, signer, is_root_key_here=has_root_key).advice(now):
        yield warning(about, advice)
    yield works(about, f"root until {end:%Y-%m-%d}, in {folder}")


def _for_upstreams(case: Case) -> Iterator[Finding]:
    documents = case.read.documents
    if documents is None:
        return  # said with the documents
    try:
        identities = client_identities(documents, case.data.secrets)
    except KeyholeError as error:
        yield wrong("certificates for upstreams", str(error))
        return
    for name, files in identities.items():
        about = f"certificate for {name.replace('-', ' ', 1)}"
        yield from _pair(about, Identity(*files), names_needed=False)[1]


def _pair(
    about: str, files: Identity, *, names_needed: bool = True
) -> tuple[CertificateAndKey | None, list[Finding]]:
    try:
        pair = read_certificate_and_key(files.certificate, files.key, names_needed=names_needed)
    except IdentityError as error:
        return None, [wrong(about, str(error), *_hint(str(error)))]
    return pair, [_end(about, pair), *_rights(about, files.key)]


def _hint(why: str) -> tuple[str, ...]:
    return (_RENEW,) if " expired on " in why else ()


def _end(about: str, pair: CertificateAndKey) -> Finding:
    begin, end = pair.leaf.not_valid_before_utc, pair.expires
    left = end - datetime.now(UTC)
    names = ", ".join((*pair.names(), *map(str, pair.addresses()), *pair.spiffe_ids())) or "nobody"
    if left < min(WARN, (end - begin) / _SHORT):
        days = left / timedelta(days=1)
        shown = f"{days:.0f} days" if days >= 2 else f"{left / timedelta(hours=1):.0f} hours"
        return warning(about, f"{pair.certificate} ends in {shown}, on {end:%Y-%m-%d}", _RENEW)
    return works(about, f"for {names}, until {end:%Y-%m-%d}")


def _rights(about: str, key: Path) -> Iterator[Finding]:
    try:
        mode = stat.S_IMODE(key.stat().st_mode)
    except OSError:
        return  # a key that may lie elsewhere, or was spoken of already
    if mode & OTHERS:
        yield warning(
            about, f"the key {key} is open to other users (mode {mode:04o})", f"chmod 600 {key}"
        )


def _has(pair: CertificateAndKey, name: str) -> bool:
    if is_address(name):
        return name in map(str, pair.addresses())
    name = name.lower().rstrip(".")
    names = {one.lower() for one in pair.names()}
    return name in names or f"*.{name.partition('.')[2]}" in names

"""The use cases behind ``keyhole identity``: issue, list, show and revoke."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from keyhole.config import read_config_text
from keyhole.control.data_folder import DataFolder, check_exists
from keyhole.control.enrollment import read_name
from keyhole.control.error import ControlError
from keyhole.control.settings import (
    Settings,
    read_last_good_settings,
    read_settings,
    settings_from,
)
from keyhole.engine.runtime import Refusal
from keyhole.engine.withdrawal import Withdrawal
from keyhole.errors import KeyholeError
from keyhole.identity import Authority, CertificateSpec, IdentityError, read_tokens
from keyhole.identity.ca_files import ISSUER, ROOT, read_bundle
from keyhole.identity.credentials import CredentialFolder
from keyhole.identity.files import locked
from keyhole.identity.issuance_log import IssuanceRecord, read_issued
from keyhole.identity.journal import Author
from keyhole.identity.revoked import Revoked, Targets, read_revoked, read_serial
from keyhole.identity.rotation import phase
from keyhole.identity.sign import BACKDATE, certificate_pem, fingerprint, serial_text
from keyhole.model.spiffe import SCHEME, read_spiffe_id, spiffe_id_for, trust_domain_of


def settings_of(data: DataFolder, config: Path | None) -> Settings:
    """The settings of a data folder; the defaults if ``keyhole up`` never ran in it.

    Raises ``ControlError`` if the folder does not exist: a misspelled path must not create a new
    authority.
    """
    file = config or data.config
    if file.exists():
        return read_settings(file)
    if config is not None:
        raise ControlError(f"{file} does not exist; give --config with the file of a Keyhole")
    check_exists(data)
    written, _ = read_config_text("", file.name)
    assert written is not None
    return settings_from(file, written)


def settings_in_force(data: DataFolder, config: Path | None) -> Settings:
    """As `settings_of`, but those of the last good start where the file is not valid or gone: what
    is taken away must not wait until a typo in the settings is mended."""
    file = config or data.config
    with suppress(KeyholeError):
        if file.exists():
            return read_settings(file)
    return read_last_good_settings(file, data.settings_copy) or settings_of(data, config)


def open_authority(settings: Settings, data: DataFolder) -> Authority:
    """Opens the authority of a data folder; creates it if there is none."""
    return Authority.open(data.identity, domain=settings.resolved.trust_domain)


def authority_advice(settings: Settings, data: DataFolder) -> list[str]:
    """Advice about CA certificates that expire soon; empty if there is no authority."""
    if not (data.identity / ROOT).exists() or not (data.identity / ISSUER).exists():
        return []
    return open_authority(settings, data).advice()


def authority_problem(settings: Settings, data: DataFolder) -> str | None:
    """Why the own authority cannot be used; none if it can, or if there is none."""
    if not (data.identity / ROOT).exists():
        return None
    try:
        open_authority(settings, data)
        read_tokens(data.identity)
        read_revoked(data.identity)
    except IdentityError as error:
        return str(error)
    return None


@dataclass(frozen=True)
class IssuedCertificate:
    """A certificate that was written into a folder."""

    folder: CredentialFolder
    spiffe: str
    serial: str
    not_after: datetime
    advice: list[str]


def issue(
    settings: Settings,
    data: DataFolder,
    name: str,
    out: Path,
    *,
    spiffe: str | None,
    life: timedelta,
    also_server: bool,
    author: Author | None = None,
) -> IssuedCertificate:
    """Makes a key and a certificate on this machine, and writes them into the folder ``out``."""
    authority = open_authority(settings, data)
    name = read_name(name)
    spec = CertificateSpec.svid(
        spiffe or spiffe_id_for(name, authority.domain), life, also_server=also_server
    )
    assert spec.spiffe is not None
    with locked(data.identity):
        chain, key = authority.issue(spec, how="issued here", name=name, author=author)
    folder = CredentialFolder(out)
    folder.write(chain, key, certificate_pem(*read_bundle(data.identity)))
    leaf = folder.read().leaf
    return IssuedCertificate(
        folder, spec.spiffe, serial_text(leaf), leaf.not_valid_after_utc, authority.advice()
    )


def list_issued(data: DataFolder, *, everything: bool) -> list[dict[str, Any]]:
    """The valid client certificates, or all that were ever issued, oldest first. Raises
    ``ControlError`` if the folder does not exist."""
    check_exists(data)
    now, revoked = datetime.now(UTC), read_revoked(data.identity)
    names = _names(data)
    return [
        {
            **one.model_dump(mode="json", exclude={"names", "root"}),
            "name": one.name or names.get(one.spiffe or ""),
            "names": one.names,
            "state": _state(one, now, _is_revoked(one, revoked)),
        }
        for one in read_issued(data.identity)
        if everything or (one.spiffe is not None and one.is_valid(now))
    ]


def show(settings: Settings, data: DataFolder) -> dict[str, Any]:
    """The authority: its certificates, and what it has issued and revoked.

    Raises ``ControlError`` if there is none yet: showing does not create one.
    """
    if not (data.identity / ROOT).exists():
        raise ControlError(
            f"there is no authority in {data.identity} yet; keyhole up or keyhole identity issue "
            "makes one"
        )
    authority = open_authority(settings, data)
    revoked = read_revoked(data.identity)
    alive = [one for one in list_issued(data, everything=False) if one["state"] == "good"]
    return {
        "trust_domain": authority.domain,
        "folder": str(data.identity),
        "roots": [
            {
                "sha256": fingerprint(root),
                "not_after": root.not_valid_after_utc.isoformat(),
                "signs": root == authority.certificate,
            }
            for root in read_bundle(data.identity)
        ],
        "issuer": {"not_after": authority.issuer.not_valid_after_utc.isoformat()},
        "root_key": authority.is_root_key_here,
        "rotation": phase(data.identity).value,
        "living": len({one["spiffe"] for one in alive}),
        "revoked": {
            "identities": [one.id for one in revoked.identities],
            "certificates": [one.serial for one in revoked.certificates],
            "issued_before": {one.id: one.since.isoformat() for one in revoked.not_before},
        },
        "advice": authority.advice(),
    }


def revocation_for(data: DataFolder, word: str, *, certificates: bool) -> Targets:
    """What is to be revoked: by SPIFFE ID, or by the name under which it was issued.

    ``certificates`` means those issued so far, not the identity: their holder may get a new one.
    """
    if word.startswith(SCHEME):
        try:
            identities = frozenset([read_spiffe_id(word)])
        except ValueError as error:
            raise ControlError(str(error)) from None
    else:
        identities = frozenset(
            one.spiffe for one in read_issued(data.identity) if one.name == word and one.spiffe
        )
        if not identities:
            raise ControlError(
                f"no certificate was issued under the name {word}; give a SPIFFE ID, or a serial "
                "number with --serial; keyhole identity list --all shows them"
            )
    return Targets(older=identities) if certificates else Targets(identities)


def unreached_by_mesh(settings: Settings, data: DataFolder, targets: Targets) -> list[str]:
    """What is still served although its certificates are revoked: identities that sidecars name.

    Raises ``ControlError`` for identities of a mesh alone, of which nothing would be refused.
    """
    named = settings.resolved.options.mesh.trust_domains
    found = sorted(one for one in targets.older if trust_domain_of(one) in named)
    for one in found:
        if trust_domain_of(one) not in {settings.resolved.trust_domain, *_declared_domains(data)}:
            raise ControlError(
                f"sidecars name {one} without its certificate, so Keyhole cannot tell old ones "
                "from new ones; leave --certificates out to refuse the identity"
            )
    return [
        f"sidecars name {one} without its certificate, and it is served there as before; to refuse "
        "it there too, leave --certificates out"
        for one in found
    ]


def _declared_domains(data: DataFolder) -> set[str]:
    """The trust domains that documents declare, as far as the last good ones say."""
    try:
        found = Withdrawal.read(data.withdrawn)
    except Refusal:
        return set()
    return set(found.content["domains"] or ()) if found else set()


def revocation_of_serial(settings: Settings, data: DataFolder, text: str) -> Targets:
    """One certificate by serial number; in our own trust domain if it is not on record."""
    serial = read_serial(text)
    issued = next((one for one in read_issued(data.identity) if one.serial == serial), None)
    domain = settings.resolved.trust_domain
    if issued is not None and issued.spiffe is not None:
        domain = trust_domain_of(issued.spiffe)
    spiffe = issued.spiffe if issued else None
    return Targets(certificates=frozenset([(domain, serial, spiffe)]))


def _is_revoked(one: IssuanceRecord, revoked: Revoked) -> bool:
    return one.spiffe is not None and revoked.has(one.spiffe, one.serial, one.time - BACKDATE)


def _names(data: DataFolder) -> dict[str, str]:
    return {one.spiffe: one.name for one in read_issued(data.identity) if one.name and one.spiffe}


def _state(one: IssuanceRecord, now: datetime, is_revoked: bool) -> str:
    if is_revoked:
        return "revoked"
    return "good" if one.is_valid(now) else "expired"

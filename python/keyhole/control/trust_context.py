"""Trust that no document declares: our own authority, tokens and revocations."""

from collections.abc import Iterable
from pathlib import Path

from keyhole.control.settings import Settings
from keyhole.identity import OwnTrust, read_tokens, read_trust
from keyhole.identity.revoked import read_revoked
from keyhole.model.snapshot_identity import (
    NotBefore,
    Revoked,
    RevokedCertificate,
    Trust,
    TrustDomain,
)
from keyhole.policy import SECRETS_FOLDER, TrustContext


def read_trust_context(settings: Settings, folder: Path) -> TrustContext:
    """Reads the folder of our own authority; a missing file counts as empty.

    Raises ``IdentityError`` for a file that cannot be read: without the revocations no identity may
    be accepted.
    """
    own = read_trust(folder)
    resolved = settings.resolved
    return TrustContext(
        tokens=read_tokens(folder),
        trust=_trust(own, folder),
        secrets=folder.parent / SECRETS_FOLDER,
        trusted_domains=frozenset([own.domain, *resolved.options.mesh.trust_domains]),
        admits_networks=resolved.admits_networks,
        mesh_networks=resolved.mesh_networks,
        forwarders=settings.written.traces.forwarders,
    )


def empty_trust_context(settings: Settings, folder: Path) -> TrustContext:
    """A context in which no token and no certificate is accepted."""
    return TrustContext(
        tokens={},
        secrets=folder.parent / SECRETS_FOLDER,
        admits_networks=settings.resolved.admits_networks,
        mesh_networks=settings.resolved.mesh_networks,
        forwarders=settings.written.traces.forwarders,
        accepts_certificates=False,
    )


def accepts_mesh_identities(settings: Settings) -> bool:
    """Whether a mesh may assert identities without a client certificate at Keyhole."""
    options = settings.resolved.options
    return bool(
        options.mesh.trust_domains and (options.listen.mesh or options.listen.doh_cleartext)
    )


def read_revocations(folder: Path) -> Revoked:
    """All revocations, in the form of the snapshot; raises ``IdentityError`` if unreadable."""
    known = read_revoked(folder)
    return _revoked(
        (one.id for one in known.identities),
        ((one.domain, one.serial) for one in known.certificates),
        ((one.id, int(one.at.timestamp())) for one in known.not_before),
    )


def _trust(own: OwnTrust, folder: Path) -> Trust:
    domain = TrustDomain(name=own.domain, bundle=own.bundle_pem, crls="", origin=str(folder))
    return Trust(
        domains=[domain] if own.bundle_pem else [],
        revoked=_revoked(own.revoked_identities, own.revoked_certificates, own.not_before),
    )


def _revoked(
    identities: Iterable[str],
    certificates: Iterable[tuple[str, str]],
    not_before: Iterable[tuple[str, int]],
) -> Revoked:
    return Revoked(
        identities=sorted(identities),
        certificates=[
            RevokedCertificate(domain=domain, serial=serial)
            for domain, serial in sorted(set(certificates))
        ],
        not_before=[NotBefore(id=id_, at=at) for id_, at in sorted(not_before)],
    )

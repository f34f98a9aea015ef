"""Root rotation in three steps, so that no client loses access.

1. ``prepare``: the new root is trusted beside the old one, and signs nothing yet. Clients get it
   with their next renewal, servers read it from ``bundle.pem``.
2. ``switch``: the new root signs everything. Clients that trust it already notice no change.
3. ``finish``: the old root is no longer trusted.

Each step can be repeated. Opening the authority completes a step that a crash interrupted.
"""

import enum
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from keyhole.identity.authority import Authority
from keyhole.identity.ca_files import (
    NEXT,
    NEXT_KEY,
    ROOT,
    ROOT_KEY,
    ensure_issuer,
    ensure_root,
    read_bundle,
    read_domain,
    write_bundle,
    write_signer,
)
from keyhole.identity.certificate_and_key import read_certificates
from keyhole.identity.error import IdentityError
from keyhole.identity.files import locked, write_errors
from keyhole.identity.issuance_log import IssuanceRecord, read_issued
from keyhole.identity.journal import Author, noted
from keyhole.identity.sign import Signer, fingerprint
from keyhole.system import durable


class Phase(enum.Enum):
    """The state of a rotation."""

    NONE = "none"
    PREPARED = "prepared"
    SWITCHED = "switched"


def phase(folder: Path) -> Phase:
    """The rotation state of the authority in the folder."""
    if (folder / NEXT).exists():
        return Phase.PREPARED
    return Phase.SWITCHED if len(read_bundle(folder)) > 1 else Phase.NONE


def prepare(
    folder: Path, now: datetime | None = None, author: Author | None = None
) -> x509.Certificate:
    """Creates the new root and adds it to the bundle; returns it."""
    now = now or datetime.now(UTC)
    Authority.open(folder, now=now)
    with locked(folder):
        current = phase(folder)
        if current is Phase.SWITCHED:
            raise IdentityError(
                "the last rotation is not finished; end it with keyhole identity rotate --finish"
            )
        if current is Phase.NONE:
            signer = Signer.root(f"Keyhole root {now:%Y-%m-%d}", now)
            write_signer(folder, signer, NEXT, NEXT_KEY)
        new_root = read_certificates(folder / NEXT)[0]
        roots = read_bundle(folder)
        if new_root not in roots:
            with _noted(folder, author, "prepare", roots, [*roots, new_root]):
                write_bundle(folder, [*roots, new_root])
        return new_root


def switch(folder: Path, now: datetime | None = None, author: Author | None = None) -> Authority:
    """Makes the new root the signing root."""
    now = now or datetime.now(UTC)
    domain = Authority.open(folder, now=now).domain
    with locked(folder):
        current = phase(folder)
        if current is Phase.NONE:
            raise IdentityError("there is no new root yet; begin with keyhole identity rotate")
        if current is Phase.PREPARED:
            if not (folder / NEXT_KEY).exists():
                raise IdentityError(
                    f"the key of the new root is missing: put {NEXT_KEY} back into {folder}"
                )
            old, new = read_certificates(folder / ROOT), read_certificates(folder / NEXT)
            with _noted(folder, author, "sign", old, new), write_errors(folder / ROOT):
                durable.rename(folder / NEXT_KEY, folder / ROOT_KEY)
                durable.rename(folder / NEXT, folder / ROOT)
            root, key = ensure_root(folder, "Keyhole root", now)
            ensure_issuer(folder, root, key, read_domain(folder) or domain, now)
    return Authority.open(folder, now=now)


def finish(
    folder: Path,
    now: datetime | None = None,
    *,
    force: bool = False,
    author: Author | None = None,
) -> int:
    """Removes the old roots from the bundle; returns how many there were.

    Raises :class:`IdentityError` while clients hold certificates of an old root, unless ``force``
    is set, which locks them out.
    """
    now = now or datetime.now(UTC)
    authority = Authority.open(folder, now=now)
    with locked(folder):
        current = phase(folder)
        if current is Phase.PREPARED:
            raise IdentityError(
                "the new root signs nothing yet; first run keyhole identity rotate --sign, and let "
                "clients renew"
            )
        old = [root for root in read_bundle(folder) if root != authority.certificate]
        left = not_renewed(folder, authority, now) if old and not force else []
        if left:
            who = ", ".join(sorted({one.spiffe or "" for one in left})[:5])
            last = max(one.not_after for one in left)
            raise IdentityError(
                f"{len(left)} certificates of the old root are still valid, the last until "
                f"{last:%Y-%m-%d %H:%M} UTC: {who}; wait until they are renewed, or give --force "
                "to lock their holders out"
            )
        if old:
            kept = [authority.certificate]
            with _noted(folder, author, "finish", read_bundle(folder), kept):
                write_bundle(folder, kept)
        return len(old)


def not_renewed(folder: Path, authority: Authority, now: datetime) -> list[IssuanceRecord]:
    """Valid client certificates of an old root that were not renewed since."""
    newest: dict[str, IssuanceRecord] = {}
    for one in read_issued(folder):
        if one.spiffe is not None:
            newest[one.spiffe] = one
    current = fingerprint(authority.certificate)
    return [one for one in newest.values() if one.is_valid(now) and one.root != current]


def _noted(
    folder: Path,
    author: Author | None,
    step: str,
    before: Sequence[x509.Certificate],
    after: Sequence[x509.Certificate],
) -> AbstractContextManager[None]:
    """Records a step: the roots that are trusted, or that sign, before and after it."""
    detail = {
        "step": step,
        "before": [fingerprint(one) for one in before],
        "after": [fingerprint(one) for one in after],
    }
    return noted(folder, author or Author.of_command(), "rotate_root", detail)

"""Files beside documents: trust anchors, revocation lists and client certificates."""

from collections.abc import Iterator
from pathlib import Path

from keyhole.config.declaration import Declaration, Documents
from keyhole.config.source_tree import Location
from keyhole.errors import Problem
from keyhole.model.trust_domain import TrustDomainSpec
from keyhole.model.upstream import UpstreamSpec
from keyhole.policy.pem import (
    read_authorities,
    read_certificates,
    read_octets,
    read_revocation_lists,
)

_WithCrls = Declaration[UpstreamSpec] | Declaration[TrustDomainSpec]


class CertificateFileError(ValueError):
    """A file beside a document cannot be used; ``location`` is the key that names it."""

    def __init__(self, location: Location, why: str) -> None:
        super().__init__(why)
        self.location = location


def read_roots(upstream: Declaration[UpstreamSpec]) -> str | None:
    """The trust anchors as PEM, certificates alone; none for the public ones.

    Raises `CertificateFileError` with the reason.
    """
    written = upstream.spec.ca
    if written is None:
        return None
    try:
        return read_certificates(upstream.beside(written), written).text
    except ValueError as error:
        raise CertificateFileError(["spec", "ca"], str(error)) from None


def read_bundle(domain: Declaration[TrustDomainSpec]) -> str:
    """The authorities of a trust domain as PEM; raises `CertificateFileError` with the reason."""
    written = domain.spec.bundle
    try:
        return read_authorities(domain.beside(written), written).text
    except ValueError as error:
        raise CertificateFileError(["spec", "bundle"], str(error)) from None


def read_crls(declared: _WithCrls) -> str:
    """All revocation lists of a document as PEM; raises `CertificateFileError` with the reason."""
    texts = []
    for index, written in enumerate(declared.spec.crls):
        try:
            texts.append(read_revocation_lists(declared.beside(written), written).text)
        except ValueError as error:
            raise CertificateFileError(["spec", "crls", index], str(error)) from None
    return "".join(texts)


def client_identity(upstream: Declaration[UpstreamSpec]) -> str | None:
    """The name under which the engine knows what it shows to this upstream."""
    return None if upstream.spec.client_certificate is None else f"upstream-{upstream.name}"


def client_files(upstream: Declaration[UpstreamSpec]) -> tuple[Path, Path] | None:
    """Certificate chain and key that are shown to this upstream, as absolute paths."""
    files = upstream.spec.client_certificate
    return (
        None if files is None else (upstream.beside(files.certificate), upstream.beside(files.key))
    )


def watched_files(documents: Documents) -> Iterator[Path]:
    """The files beside documents that are compiled into the snapshot, lists apart."""
    for upstream in documents.upstreams:
        if upstream.spec.ca is not None:
            yield upstream.beside(upstream.spec.ca)
        yield from map(upstream.beside, upstream.spec.crls)
    for domain in documents.trust_domains:
        yield domain.beside(domain.spec.bundle)
        yield from map(domain.beside, domain.spec.crls)


def check_certificate_files(documents: Documents) -> Iterator[Problem]:
    """Every file beside a document that cannot be used, and advice on what is overdue."""
    for upstream in documents.upstreams:
        yield from _check_upstream(upstream)
        yield from _check_crls(upstream)
    for domain in documents.trust_domains:
        try:
            read_bundle(domain)
        except CertificateFileError as error:
            yield domain.problem(error.location, str(error))
        yield from _check_crls(domain)


def _check_upstream(upstream: Declaration[UpstreamSpec]) -> Iterator[Problem]:
    try:
        read_roots(upstream)
    except CertificateFileError as error:
        yield upstream.problem(error.location, str(error))
    files = client_files(upstream)
    for key, path in zip(("certificate", "key"), files or (), strict=False):
        try:
            read_octets(path)
        except ValueError as error:
            yield upstream.problem(["spec", "clientCertificate", key], str(error))


def _check_crls(declared: _WithCrls) -> Iterator[Problem]:
    for index, written in enumerate(declared.spec.crls):
        place: Location = ["spec", "crls", index]
        try:
            overdue = read_revocation_lists(declared.beside(written), written).overdue()
        except ValueError as error:
            yield declared.problem(place, str(error))
            continue
        if overdue is not None:
            why = f"{written} should have been replaced by {overdue:%Y-%m-%d %H:%M} UTC"
            yield declared.problem(place, why, is_advice=True)

"""Files of documents: trust anchors, revocation lists and client certificates."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from keyhole.config.declaration import Declaration, Documents
from keyhole.config.source_tree import Location
from keyhole.errors import Problem
from keyhole.model.document_file import DocumentFile
from keyhole.model.trust_domain import TrustDomainSpec
from keyhole.model.upstream import UpstreamSpec
from keyhole.policy.pem import (
    read_authorities,
    read_certificates,
    read_octets,
    read_revocation_lists,
)

SECRETS_FOLDER = "secrets"
"""The folder in the data folder with one folder for each secret."""

SECRET_CERTIFICATE, SECRET_KEY = "tls.crt", "tls.key"
"""The files of a secret, with the names of a Secret of type kubernetes.io/tls."""

_WithCrls = Declaration[UpstreamSpec] | Declaration[TrustDomainSpec]


class CertificateFileError(ValueError):
    """A file of a document cannot be used; ``location`` is the key that names it."""

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
        return read_certificates(upstream.path_of(written), written).text
    except ValueError as error:
        raise CertificateFileError(["spec", "ca"], str(error)) from None


def read_bundle(domain: Declaration[TrustDomainSpec]) -> str:
    """The authorities of a trust domain as PEM; raises `CertificateFileError` with the reason."""
    written = domain.spec.bundle
    try:
        return read_authorities(domain.path_of(written), written).text
    except ValueError as error:
        raise CertificateFileError(["spec", "bundle"], str(error)) from None


def read_crls(declared: _WithCrls) -> str:
    """All revocation lists of a document as PEM; raises `CertificateFileError` with the reason."""
    texts = []
    for index, written in enumerate(declared.spec.crls):
        try:
            texts.append(read_revocation_lists(declared.path_of(written), written).text)
        except ValueError as error:
            raise CertificateFileError(["spec", "crls", index], str(error)) from None
    return "".join(texts)


def client_identity(upstream: Declaration[UpstreamSpec]) -> str | None:
    """The name of the client certificate for this upstream in the engine."""
    return None if upstream.spec.client_certificate is None else f"upstream-{upstream.name}"


def client_files(
    upstream: Declaration[UpstreamSpec], secrets: Path | None = None
) -> tuple[Path, Path] | None:
    """The client certificate chain and key for this upstream, as absolute paths.

    ``secrets`` is the folder of secrets; none where it is not known, and then a secret gives none.
    Raises `CertificateFileError` for a file that the document may not name.
    """
    shown = upstream.spec.client_certificate
    if shown is None:
        return None
    if shown.certificate is not None and shown.key is not None:
        return _own_file(upstream, "certificate", shown.certificate), _own_file(
            upstream, "key", shown.key
        )
    if secrets is None:
        return None
    folder = secrets / (shown.secret or "")
    return folder / SECRET_CERTIFICATE, folder / SECRET_KEY


def _own_file(upstream: Declaration[UpstreamSpec], key: str, file: DocumentFile) -> Path:
    try:
        return upstream.path_of(file)
    except ValueError as error:
        raise CertificateFileError(["spec", "clientCertificate", key], str(error)) from None


def check_certificate_files(documents: Documents, secrets: Path | None = None) -> Iterator[Problem]:
    """Files that cannot be used, and advice on overdue revocation lists."""
    for upstream in documents.upstreams:
        yield from _check_upstream(upstream, secrets)
        yield from _check_crls(upstream)
    for domain in documents.trust_domains:
        try:
            read_bundle(domain)
        except CertificateFileError as error:
            yield domain.problem(error.location, str(error))
        yield from _check_crls(domain)


def _check_upstream(upstream: Declaration[UpstreamSpec], secrets: Path | None) -> Iterator[Problem]:
    files: tuple[Path, ...] = ()
    for read in (read_roots, partial(client_files, secrets=secrets)):
        try:
            found = read(upstream)
        except CertificateFileError as error:
            yield upstream.problem(error.location, str(error))
        else:
            files = found if isinstance(found, tuple) else files
    has_secret = upstream.spec.client_certificate and upstream.spec.client_certificate.secret
    for key, path in zip(("certificate", "key"), files, strict=False):
        try:
            read_octets(path)
        except ValueError as error:
            place = "secret" if has_secret else key
            yield upstream.problem(["spec", "clientCertificate", place], str(error))


def _check_crls(declared: _WithCrls) -> Iterator[Problem]:
    for index, written in enumerate(declared.spec.crls):
        place: Location = ["spec", "crls", index]
        try:
            overdue = read_revocation_lists(declared.path_of(written), written).overdue()
        except ValueError as error:
            yield declared.problem(place, str(error))
            continue
        if overdue is not None:
            why = f"{written} should have been replaced by {overdue:%Y-%m-%d %H:%M} UTC"
            yield declared.problem(place, why, is_advice=True)

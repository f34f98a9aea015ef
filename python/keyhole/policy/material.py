"""Files beside the documents of upstreams: trust anchors and client certificates."""

from collections.abc import Iterator
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from keyhole.config.declared import Declared, Documents
from keyhole.errors import Problem
from keyhole.model.upstream import UpstreamSpec

MAX_PEM = 1 << 20


def read_roots(upstream: Declared[UpstreamSpec]) -> str | None:
    """The trust anchors as PEM, certificates alone; none for the public ones.

    Raises ValueError with the reason.
    """
    if upstream.spec.ca is None:
        return None
    octets = _read(upstream.beside(upstream.spec.ca))
    if b"PRIVATE KEY" in octets:
        raise ValueError(f"{upstream.spec.ca} holds a private key; give certificates alone")
    try:
        certificates = x509.load_pem_x509_certificates(octets)
    except ValueError:
        raise ValueError(f"{upstream.spec.ca} holds no certificate in PEM form") from None
    return "".join(one.public_bytes(Encoding.PEM).decode() for one in certificates)


def client_identity(upstream: Declared[UpstreamSpec]) -> str | None:
    """The name under which the engine knows what it shows to this upstream."""
    return None if upstream.spec.client_certificate is None else f"upstream-{upstream.name}"


def client_files(upstream: Declared[UpstreamSpec]) -> tuple[Path, Path] | None:
    """Certificate chain and key that are shown to this upstream, as absolute paths."""
    files = upstream.spec.client_certificate
    return (
        None if files is None else (upstream.beside(files.certificate), upstream.beside(files.key))
    )


def check_material(documents: Documents) -> Iterator[Problem]:
    """Every file beside an upstream that cannot be used."""
    for upstream in documents.upstreams:
        try:
            read_roots(upstream)
        except ValueError as error:
            yield upstream.problem(["spec", "ca"], str(error))
        files = client_files(upstream)
        for key, path in zip(("certificate", "key"), files or (), strict=False):
            try:
                _read(path)
            except ValueError as error:
                yield upstream.problem(["spec", "clientCertificate", key], str(error))


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            octets = file.read(MAX_PEM + 1)
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from None
    if len(octets) > MAX_PEM:
        raise ValueError(f"{path} is larger than 1MiB, which no PEM file needs")
    return octets

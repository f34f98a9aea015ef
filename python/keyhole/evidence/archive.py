"""Writes an export: a tar in gzip that begins with its signed manifest."""

import gzip
import hashlib
import io
import tarfile
from pathlib import Path

from keyhole.evidence.form import MANIFEST, SIGNATURE, Manifest, Member
from keyhole.evidence.key import SigningKey


def member_of(path: Path) -> Member:
    """The entry of a file in the manifest. Raises ``OSError``."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Member(octets=path.stat().st_size, sha256=digest)


def write_archive(target: Path, folder: Path, manifest: Manifest, key: SigningKey) -> None:
    """Writes the members, which lie in ``folder``, in the order of the manifest. Raises
    ``OSError``."""
    content = manifest.model_dump_json(indent=1).encode() + b"\n"
    with (
        target.open("wb") as file,
        gzip.GzipFile("", "wb", 6, file, mtime=0) as packed,
        tarfile.TarFile(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        _add(tar, MANIFEST, content)
        _add(tar, SIGNATURE, key.sign(content).encode() + b"\n")
        for name, member in manifest.members.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = member.octets, 0o600
            with (folder / name).open("rb") as opened:
                tar.addfile(info, opened)


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), 0o600
    tar.addfile(info, io.BytesIO(content))

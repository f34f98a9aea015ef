"""Archives that depend on their content alone: sorted, with one time, one owner and two modes."""

import gzip
import io
import stat
import tarfile
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path

FILE, PROGRAM = 0o644, 0o755
_OLDEST = 315_532_800
"""1980-01-01: a zip file knows no time before it."""


def mode_of(path: Path) -> int:
    """The mode of a file in an archive, whatever the umask of this checkout was."""
    return PROGRAM if path.stat().st_mode & stat.S_IXUSR else FILE


def write_zip(target: Path, members: Mapping[str, tuple[bytes, int]], epoch: int) -> None:
    """Writes a zip file of names, each with content and mode, in the order given."""
    moment = time.gmtime(max(epoch, _OLDEST))[:6]
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, (content, mode) in members.items():
            member = zipfile.ZipInfo(name, moment)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.create_system = 3  # Unix: the upper half of the attributes is the mode
            member.external_attr = (stat.S_IFREG | mode) << 16
            archive.writestr(member, content)


def write_tar_gz(target: Path, members: Mapping[str, tuple[bytes, int]], epoch: int) -> None:
    """As `write_zip`, for a tar file compressed by gzip."""
    with (
        target.open("wb") as file,
        # Without a name and with a time of its own: otherwise gzip writes those of this build.
        gzip.GzipFile("", "wb", compresslevel=9, fileobj=file, mtime=epoch) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name, (content, mode) in members.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode, member.mtime = len(content), mode, epoch
            archive.addfile(member, io.BytesIO(content))

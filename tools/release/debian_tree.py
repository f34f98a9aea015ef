"""The files of the Debian package, laid out as they are installed."""

import gzip
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from keyhole.config import default_config_text
from keyhole.policy import default_documents
from keyhole.policy.default import LISTS_FILE
from tools.release.manual_pages import manual_pages
from tools.release.project import Project

PROGRAM = Path("usr/lib/keyhole")
CONFFILES = (
    "/etc/keyhole/keyhole.yaml",
    "/etc/keyhole/documents/policy.yaml",
    "/etc/keyhole/documents/upstreams.yaml",
)
"""What belongs to the administrator: an upgrade asks before it changes one that was changed."""
FIRST_DOCUMENTS = Path("usr/share/keyhole/documents")
"""The documents of a first start. What they block is laid down by postinst on a first installation
alone, and is no conffile: an upgrade would block for those who never had it, or name a policy that
they do not have."""
COMPLETIONS = {
    "bash": Path("usr/share/bash-completion/completions/keyhole"),
    "zsh": Path("usr/share/zsh/vendor-completions/_keyhole"),
    "fish": Path("usr/share/fish/vendor_completions.d/keyhole.fish"),
}
"""Where each shell looks for the completion of a command."""
_LINE = "\ndocuments: documents\n"


def lay_out(
    project: Project, root: Path, python: str, sbom: bytes, install: Callable[[Path], None]
) -> None:
    """Fills the folder ``root``; ``install`` puts the libraries for this Python into a folder."""
    install(root / PROGRAM / "lib" / f"python{python}" / "site-packages")
    _environment(root / PROGRAM, python)
    source = project.root / "deploy" / "debian"
    _copy(source / "command", root / "usr/bin/keyhole", 0o755)
    _copy(source / "keyhole.service", root / "usr/lib/systemd/system/keyhole.service", 0o644)
    documentation = root / "usr/share/doc/keyhole"
    for name in ("copyright", "README.Debian"):
        _copy(source / name, documentation / name, 0o644)
    changes = (project.root / "CHANGELOG.md").read_bytes()
    _write(documentation / "changelog.gz", gzip.compress(changes, 9, mtime=0))
    _write(documentation / "keyhole.cdx.json", sbom)
    for name, text in manual_pages(project).items():
        page = gzip.compress(text.encode(), 9, mtime=0)
        _write(root / "usr/share/man/man1" / f"{name}.gz", page)
    for shell, target in COMPLETIONS.items():
        _copy(source / "completion" / shell, root / target, 0o644)
    _settings(root / "etc/keyhole")
    for name, document in default_documents().items():
        _write(root / FIRST_DOCUMENTS / name, document.encode())
    _normalize(root, project.epoch)


def _environment(folder: Path, python: str) -> None:
    """What makes a virtual environment of the folder, on the Python of the distribution."""
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python3").symlink_to(f"/usr/bin/python{python}")
    text = f"home = /usr/bin\ninclude-system-site-packages = false\nversion = {python}\n"
    _write(folder / "pyvenv.cfg", text.encode())


def _settings(folder: Path) -> None:
    text = default_config_text()
    assert _LINE in text, "the default settings name the folder of documents"
    # The settings are also reached by a link from the data folder; the documents are here alone.
    text = text.replace(_LINE, "\ndocuments: /etc/keyhole/documents\n")
    _write(folder / "keyhole.yaml", text.encode())
    for name, document in default_documents().items():
        if name != LISTS_FILE:
            _write(folder / "documents" / name, document.encode())


def _copy(source: Path, target: Path, mode: int) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(mode)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _normalize(root: Path, epoch: int) -> None:
    """Gives everything one time, and the modes that the system of packages wants."""
    programs = {root / "usr/bin/keyhole"}
    for folder, folders, files in os.walk(root, topdown=False):
        for name in files:
            path = Path(folder, name)
            if not path.is_symlink():
                path.chmod(0o755 if path in programs else 0o644)
            os.utime(path, (epoch, epoch), follow_symlinks=False)
        for name in folders:
            # A link to a folder is among the folders.
            os.utime(Path(folder, name), (epoch, epoch), follow_symlinks=False)
        Path(folder).chmod(0o755)
        os.utime(folder, (epoch, epoch))

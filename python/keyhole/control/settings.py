"""What ``keyhole.yaml`` says, in the form in which the use cases need it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keyhole.config import Config, Resolved, load_config, resolve
from keyhole.engine.launch import Identity


@dataclass(frozen=True)
class Settings:
    """Settings as written and as resolved, and what is valid but probably not meant."""

    file: Path
    written: Config
    resolved: Resolved
    advice: tuple[str, ...]

    @property
    def options(self) -> dict[str, Any]:
        """The options of the engine, every default resolved."""
        return self.resolved.options.to_document()

    @property
    def documents(self) -> Path:
        """The folder (or file) with the documents."""
        return self.resolved.documents

    @property
    def server_identity(self) -> Identity | None:
        """The certificate that the person brings, or none where Keyhole makes its own."""
        tls = self.resolved.tls
        if tls.certificate is None or tls.key is None:
            return None
        return Identity(tls.certificate, tls.key)

    def differences(self, other: "Settings") -> list[str]:
        """The top-level keys in which two settings differ."""
        ours, theirs = self.written.model_dump(), other.written.model_dump()
        return [key for key in ours if ours[key] != theirs[key]]


def read_settings(file: Path) -> Settings:
    """Reads the file; raises ``DocumentErrors`` with everything that is wrong in it."""
    written, problems = load_config(file)
    return settings_from(file, written, tuple(str(one) for one in problems))


def settings_from(file: Path, written: Config, advice: tuple[str, ...] = ()) -> Settings:
    """The settings that a config would give if it stood in the file."""
    return Settings(file, written, resolve(written, file.absolute().parent), advice)

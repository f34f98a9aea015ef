"""The settings from ``keyhole.yaml``, in the form that the use cases need."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from keyhole.config import Config, Resolved, load_config_and_text, read_config_text, resolve
from keyhole.config.files import Source, read_text
from keyhole.control.first_look import mark_of
from keyhole.engine.launch import Identity, TraceExport
from keyhole.errors import has_errors

VALUE = "value"
"""The file of a secret that is one text."""


@dataclass(frozen=True)
class Settings:
    """Settings as written and as resolved, with advice on probable mistakes."""

    file: Path
    written: Config
    resolved: Resolved
    advice: tuple[str, ...]
    mark: str = ""
    """A digest of the file and its path; see :func:`keyhole.control.first_look.mark_of`."""
    text: str | None = None
    """The text of the file as it was read; none where it is not that of the file."""

    @property
    def options(self) -> dict[str, Any]:
        """The options of the engine, with all defaults."""
        return self.resolved.options.to_document()

    @property
    def documents(self) -> Path:
        """The folder (or file) with the documents."""
        return self.resolved.documents

    @property
    def server_identity(self) -> Identity | None:
        """The configured server certificate; none if Keyhole issues its own."""
        tls = self.resolved.tls
        if tls.certificate is None or tls.key is None:
            return None
        return Identity(tls.certificate, tls.key)

    def trace_export(self, secrets: Path) -> TraceExport | None:
        """Where traces are sent; none while they are off. ``secrets`` is the folder of secrets."""
        traces = self.written.traces
        if not traces.is_on or traces.endpoint is None:
            return None
        folder = self.file.absolute().parent
        return TraceExport(
            endpoint=traces.endpoint,
            rate=traces.rate,
            service=traces.service or f"keyhole-{self.written.role}",
            headers={name: secrets / secret / VALUE for name, secret in traces.headers.items()},
            ca=folder / Path(traces.ca).expanduser() if traces.ca else None,
        )

    def differences(self, other: "Settings") -> list[str]:
        """The top-level keys in which two settings differ."""
        ours, theirs = self.written.model_dump(), other.written.model_dump()
        return [key for key in ours if ours[key] != theirs[key]]


def read_settings(file: Path) -> Settings:
    """Reads the file; raises ``DocumentErrors`` with all errors in it."""
    mark = mark_of(file)
    written, problems, text = load_config_and_text(file)
    settings = settings_from(file, written, tuple(str(one) for one in problems))
    return replace(settings, mark=mark, text=text)


def settings_from(file: Path, written: Config, advice: tuple[str, ...] = ()) -> Settings:
    """The settings for a config that was or would be read from the file."""
    return Settings(file, written, resolve(written, file.absolute().parent), advice)


def read_last_good_settings(file: Path, copy: Path) -> Settings | None:
    """The settings of the last start with good ones, as if they stood in ``file``; none if there
    are none."""
    text, problems = read_text(Source(copy, copy.name))
    if problems:
        return None
    written, problems = read_config_text(text, copy.name)
    if written is None or has_errors(problems):
        return None
    return settings_from(file, written)

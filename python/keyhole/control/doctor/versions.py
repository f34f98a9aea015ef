"""Whether the parts of this installation belong together, and to the Keyhole that runs."""

import platform
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib import metadata

from keyhole import __version__
from keyhole.control.doctor.case import Case
from keyhole.control.doctor.finding import Finding, unknown, warning, works, wrong
from keyhole.model.options import OPTIONS_VERSION
from keyhole.model.snapshot import SNAPSHOT_VERSION

OLDEST_PYTHON = (3, 11)
_AGAIN = "install Keyhole again, package and core together (from a checkout: ./dev setup)"


def look_at_versions(case: Case) -> Iterator[Finding]:
    """Python, package, native core, and the running Keyhole."""
    found = platform.python_version()
    if sys.version_info < OLDEST_PYTHON:
        yield wrong("Python", f"{found} is too old", "use Python 3.11 or newer")
    else:
        yield works("Python", found)
    yield from _core()
    if case.status is not None and case.status["version"] != __version__:
        yield warning(
            "running Keyhole",
            f"it is version {case.status['version']}, and {__version__} is installed",
            "start it again: systemctl restart keyhole, or end keyhole up and call it again",
        )


def _core() -> Iterator[Finding]:
    try:
        # Imported here: where the core cannot be loaded, the report says so.
        from keyhole.engine import catalogue

        core = catalogue()["versions"]
    except (ImportError, KeyError) as error:
        yield wrong("native core", f"it cannot be loaded: {error}", _AGAIN)
        return
    ours = {"keyhole": __version__, "options": OPTIONS_VERSION, "snapshot": SNAPSHOT_VERSION}
    if core != ours:
        yield wrong("native core", f"it is of another build: {core}, and not {ours}", _AGAIN)
    else:
        yield works("native core", f"of the same build as the package, {__version__}")
    installed = None
    with suppress(metadata.PackageNotFoundError):
        installed = metadata.version("keyhole")
    if installed is None:
        yield unknown("package", "it was not installed by pip or a package; its files are used")
    elif installed != __version__:
        yield warning("package", f"{installed} is installed, and {__version__} is used", _AGAIN)

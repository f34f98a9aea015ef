"""Faults planted into the real programs: a module that Python imports at each start."""

from pathlib import Path

_HEAD = """
import os, time
from pathlib import Path

def boom(*_, **__):
    raise RuntimeError("planted \x1b[31m fault")
"""

ERRORS = (
    _HEAD
    + """
import keyhole.api.pihole.mapping, keyhole.control.parts
import keyhole.enrollment.message, keyhole.link.remote_peer

keyhole.control.parts.Parts.states = boom
keyhole.api.pihole.mapping.by_type = boom
keyhole.enrollment.message.BundleResponse = boom
keyhole.link.remote_peer.RemotePeer.receive = boom
"""
)
"""One route of each HTTP server fails in a way that nobody expects."""
HANGING = (
    _HEAD
    + """
import keyhole.config.documents, keyhole.control.parts

keyhole.control.parts.STUCK_SECONDS = 0.5
read = keyhole.config.documents.read_documents

def hang(*given, **named):
    while Path(os.environ["HANG"]).exists():
        time.sleep(0.05)
    return read(*given, **named)

keyhole.config.documents.read_documents = hang
"""
)
"""Documents cannot be read while the file ``HANG`` is there."""


def plant(folder: Path, text: str) -> dict[str, str]:
    """The environment in which programs have this fault."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(text)
    return {"PYTHONPATH": str(folder)}


HANGING_FILES = (
    _HEAD
    + """
import keyhole.control.changes.change as change
import keyhole.control.document_pool as pool

change.READ_SECONDS = 1.0
pool.STUCK_SECONDS = 0.5
pool.DocumentPool.__init__.__defaults__ = (2.0,)

def hanging(call):
    def waits(path, *given, **named):
        while "/hangs" in str(path) and exists(os.environ["HANG"]):
            time.sleep(0.05)
        return call(path, *given, **named)
    return waits

exists = os.path.exists
for name in ("stat", "lstat", "open", "scandir"):
    setattr(os, name, hanging(getattr(os, name)))
"""
)
"""What has ``/hangs`` in its path is on a system that hangs while the file ``HANG`` is there."""

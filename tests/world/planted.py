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

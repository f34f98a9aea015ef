"""Takes what control offers to an engine on another machine: snapshot and lists by content.

Whatever is offered is checked by its digest, then by the core; only then does it become the last
good one. Killed in between, the engine starts from the one before and is offered it again.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from keyhole.engine.commands import Engine
from keyhole.engine.runtime import Refusal
from keyhole.identity.credentials import CredentialFolder
from keyhole.link.control_client import MAX_SNAPSHOT_OCTETS, ControlClient
from keyhole.link.message import OFFER, MessageError

_CHUNK = 2**20
_LISTS = "lists-*.khl"


class SnapshotFetcher:
    """Obeys like the engine itself, and takes offers."""

    def __init__(self, engine: Engine, leader: ControlClient, snapshot: Path) -> None:
        """``snapshot`` is the last good one; everything else lies beside it."""
        self._engine = engine
        self._leader = leader
        self._snapshot = snapshot
        self._note = snapshot.with_name("offer")
        self.mark = self._note.read_text() if self._note.exists() else ""
        """The offer that is in force."""

    def obey(self, command: dict[str, Any]) -> dict[str, Any]:
        """Does what is asked; gives the answer."""
        if "take" not in command:
            return self._engine.obey(command)
        try:
            return self._take(command["take"])
        except Refusal as refusal:
            return _refused(refusal.path, refusal.why)
        except (OSError, ValueError, KeyError, TypeError) as error:
            return _refused("", str(error) or repr(error))

    def _take(self, offer: dict[str, Any]) -> dict[str, Any]:
        mark = str(offer["mark"])
        snapshot = json.loads(self._fetch_snapshot(mark))
        lists = self._fetch_lists(mark, offer["lists"]) if offer["lists"] else None
        if lists is not None:
            snapshot["list_file"]["path"] = str(lists)
        for name in offer["identities"]:
            # What upstreams see is who this engine is, not who control is.
            folder = CredentialFolder(self._leader.identity)
            self._obey({"identity": _identity(str(name), folder)})
        draft = self._snapshot.with_name("draft.json")
        draft.write_bytes(json.dumps(snapshot).encode())
        answer = self._obey({"commit": str(draft)})
        draft.replace(self._snapshot)
        self._note.write_text(mark)
        self.mark = mark
        for old in self._snapshot.parent.glob(_LISTS):
            if old != lists:
                old.unlink(missing_ok=True)
        return answer

    def _obey(self, command: dict[str, Any]) -> dict[str, Any]:
        answer = self._engine.obey(command)
        if "refused" in answer:
            raise Refusal(answer["refused"]["path"], answer["refused"]["why"])
        return answer

    def _fetch_snapshot(self, mark: str) -> bytes:
        with self._leader.get(f"{OFFER}/{mark}/snapshot") as answer:
            octets = answer.read(MAX_SNAPSHOT_OCTETS)
        if hashlib.sha256(octets).hexdigest() != mark:
            raise MessageError("the snapshot is not the one that was offered")
        return octets

    def _fetch_lists(self, mark: str, lists: dict[str, Any]) -> Path:
        """The compiled lists, which are fetched only where this machine has not got them."""
        wanted = str(lists["sha256"])
        target = self._snapshot.with_name(f"lists-{wanted}.khl")
        if not target.exists():
            draft = target.with_suffix(".new")
            digest = hashlib.sha256()
            with self._leader.get(f"{OFFER}/{mark}/lists") as answer, draft.open("wb") as file:
                while octets := answer.read(_CHUNK):
                    digest.update(octets)
                    file.write(octets)
            if digest.hexdigest() != wanted:
                draft.unlink()
                raise MessageError("the lists are not those that were offered")
            draft.replace(target)
        return target


def _identity(name: str, folder: CredentialFolder) -> dict[str, str]:
    return {"name": name, "certificate": str(folder.certificate), "key": str(folder.key)}


def _refused(path: str, why: str) -> dict[str, Any]:
    return {"refused": {"path": path, "why": why}}

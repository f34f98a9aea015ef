"""Fetches the snapshot and the lists that control offers to an engine on another machine.

An offer is verified by its digest and by the core before it becomes the last good snapshot. An
engine killed in between starts from the previous one, and receives the offer again.
"""

import hashlib
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from keyhole.engine.commands import Engine
from keyhole.engine.runtime import Refusal
from keyhole.engine.withdrawal import FILE, Withdrawal
from keyhole.identity.credentials import CredentialFolder
from keyhole.link.control_client import MAX_SNAPSHOT_OCTETS, ControlClient
from keyhole.link.message import OFFER, MessageError
from keyhole.system import durable
from keyhole.system.regular_file import read_whole

_CHUNK = 2**20
_LISTS = "lists-*.khl"


class SnapshotFetcher:
    """Executes the commands of the engine, and also applies offers."""

    def __init__(
        self, engine: Engine, control: ControlClient, snapshot: Path, copy: Path | None = None
    ) -> None:
        """``snapshot`` is the file of the last good one, ``copy`` its copy if there is to be one;
        other files are in its folder."""
        self._engine = engine
        self._control = control
        self._snapshot = snapshot
        self._copy = copy
        self._note = snapshot.with_name("offer")
        self.mark = _read_note(self._note)
        """The active offer."""

    def execute(self, command: dict[str, Any]) -> dict[str, Any]:
        """Executes a command and returns the answer."""
        if "withdraw" in command:
            return self._withdraw(command)
        if "take" not in command:
            return self._engine.execute(command)
        try:
            return self._take(command["take"])
        except Refusal as refusal:
            return _refused(refusal.path, refusal.why)
        except (OSError, ValueError, KeyError, TypeError) as error:
            return _refused("", str(error) or repr(error))

    def _withdraw(self, command: dict[str, Any]) -> dict[str, Any]:
        answer = self._engine.execute(command)
        if "refused" not in answer:
            # In force all the same where the disk is full; control sends it again after a restart.
            with suppress(OSError):
                withdrawal = Withdrawal.of(command["withdraw"])
                durable.write_bytes(self._snapshot.with_name(FILE), withdrawal.to_json())
        return answer

    def _take(self, offer: dict[str, Any]) -> dict[str, Any]:
        mark = str(offer["mark"])
        snapshot = json.loads(self._fetch_snapshot(mark))
        lists = self._fetch_lists(mark, offer["lists"]) if offer["lists"] else None
        if lists is not None:
            snapshot["list_file"]["path"] = str(lists)
        for name in offer["identities"]:
            # Upstreams authenticate this engine, not control.
            folder = CredentialFolder(self._control.identity)
            self._execute({"identity": _identity(str(name), folder)})
        draft = self._snapshot.with_name("draft.json")
        durable.write_json(draft, snapshot)
        answer = self._execute({"commit": str(draft)})
        durable.rename(draft, self._snapshot)
        if self._copy is not None:
            durable.write_json(self._copy, snapshot)
        durable.write_text(self._note, mark)
        self.mark = mark
        for old in self._snapshot.parent.glob(_LISTS):
            if old != lists:
                old.unlink(missing_ok=True)
        return answer

    def _execute(self, command: dict[str, Any]) -> dict[str, Any]:
        answer = self._engine.execute(command)
        if "refused" in answer:
            raise Refusal(answer["refused"]["path"], answer["refused"]["why"])
        return answer

    def _fetch_snapshot(self, mark: str) -> bytes:
        with self._control.get(f"{OFFER}/{mark}/snapshot") as answer:
            octets = answer.read(MAX_SNAPSHOT_OCTETS)
        if hashlib.sha256(octets).hexdigest() != mark:
            raise MessageError("the snapshot is not the one that was offered")
        return octets

    def _fetch_lists(self, mark: str, lists: dict[str, Any]) -> Path:
        """The compiled lists, fetched only if they are not on this machine."""
        wanted = str(lists["sha256"])
        target = self._snapshot.with_name(f"lists-{wanted}.khl")
        if not target.exists():
            durable.remove_drafts(target.parent, _LISTS)
            digest = hashlib.sha256()
            with (
                self._control.get(f"{OFFER}/{mark}/lists") as answer,
                durable.replacing(target) as file,
            ):
                while octets := answer.read(_CHUNK):
                    digest.update(octets)
                    file.write(octets)
                if digest.hexdigest() != wanted:
                    raise MessageError("the lists are not those that were offered")
        return target


def _read_note(note: Path) -> str:
    """The mark of the offer that was taken last; empty where that is not known. Then control sends
    its offer again."""
    try:
        return read_whole(note).decode()
    except (OSError, ValueError):
        return ""


def _identity(name: str, folder: CredentialFolder) -> dict[str, str]:
    return {"name": name, "certificate": str(folder.certificate), "key": str(folder.key)}


def _refused(path: str, why: str) -> dict[str, Any]:
    return {"refused": {"path": path, "why": why}}

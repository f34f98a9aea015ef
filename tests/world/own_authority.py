"""Keyhole's own certificate authority, used through its commands."""

import json
from pathlib import Path
from typing import Any

from tests.world.certificates import Pair
from tests.world.process import call_keyhole
from tests.world.resolver import Resolver


def keyhole(resolver: Resolver, *words: str) -> str:
    """Calls a command on the data folder of a resolver; gives its output."""
    done = call_keyhole(*words, "--data", str(resolver.folder))
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def create_token(resolver: Resolver, name: str) -> str:
    """A new token."""
    made: dict[str, Any] = json.loads(keyhole(resolver, "token", "create", name, "--json"))
    return str(made["token"])


def issue(resolver: Resolver, name: str, out: Path, *words: str) -> Pair:
    """Issues a certificate for a workload."""
    keyhole(resolver, "identity", "issue", name, "--out", str(out), *words)
    return Pair(out / "svid.pem", out / "svid-key.pem")


def revoke(resolver: Resolver, *words: str) -> None:
    """Revokes an identity or a certificate."""
    keyhole(resolver, "identity", "revoke", *words)


def revoke_token(resolver: Resolver, name: str) -> None:
    """Revokes a token."""
    keyhole(resolver, "token", "revoke", name)

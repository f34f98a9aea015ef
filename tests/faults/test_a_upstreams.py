"""Section A (A2): trust in an upstream that is taken away ends, whatever else is wrong."""

import base64
import hashlib
import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.faults.test_a_revocation import break_documents
from tests.world.certificates import Pair, bundle
from tests.world.outcome import word
from tests.world.resolver import Resolver
from tests.world.trust import TrustDomain, replace
from tests.world.upstream import Upstream

_NAME = "upstream.test"
_OTHER_PIN = base64.b64encode(b"\x01" * 32).decode()


def _pin(pair: Pair) -> str:
    key = pair.leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(key).digest()).decode()


@pytest.mark.parametrize("what", ["revocation list", "root", "pin"])
def test_an_upstream_that_lost_its_trust_hears_nothing_more_while_a_document_is_invalid(
    make_resolver: Callable[[], Resolver], tmp_path: Path, what: str
) -> None:
    """A2: its own files and pins count although another document has a typo."""
    home, resolver = TrustDomain(tmp_path / "home"), make_resolver()
    pair = home.server(_NAME)
    roots, lists = resolver.documents / "roots.pem", resolver.documents / "lists.pem"
    replace(roots, bundle(home.root))
    replace(lists, home.lists())
    files = {"serverName": _NAME, "ca": roots.name, "crls": [lists.name], "pins": [_pin(pair)]}
    with Upstream(pair) as upstream:
        resolver.write(resolver.upstream(upstream.port, **files))
        server = resolver.start().server
        names = (f"n{number}.example.org" for number in itertools.count())
        assert word(server.ask(next(names), is_proved=True)) == "answered"
        break_documents(resolver)
        assert word(server.ask(next(names), is_proved=True)) == "answered"
        if what == "revocation list":
            home.revoked.append(pair)
            replace(lists, home.lists())
        elif what == "root":
            replace(roots, bundle(home.rsa))
        else:
            resolver.write(resolver.upstream(upstream.port, **{**files, "pins": [_OTHER_PIN]}))
        resolver.wait_for(
            lambda: word(server.ask(next(names), is_proved=True)) == "upstream_untrusted",
            f"its {what} is taken",
        )
        resolver.stop()
        resolver.start_refusing()
        assert word(resolver.server.ask(next(names), is_proved=True)) == "upstream_untrusted", (
            "after a restart"
        )

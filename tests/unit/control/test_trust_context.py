"""Tokens and revocations: reread at each change, and without them no identity is accepted."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from keyhole.control.compile import compile_all
from keyhole.control.data_folder import DataFolder
from keyhole.control.notice import Notice, Severity
from keyhole.control.reconciler import Reconciler
from keyhole.control.settings import read_settings
from keyhole.control.trust_context import read_trust_context
from keyhole.identity import IdentityError
from tests.world.follower import fake_local_engine

DIGEST = "ab" * 32
TOKENS = {"tokens": [{"name": "tv", "sha256": DIGEST, "created": "2026-11-25T22:00:00Z"}]}
LOST = "spiffe://keyhole.internal/ns/shop/sa/lost"
SINCE = "2026-11-25T22:00:00Z"
REVOKED = {
    "identities": [{"id": LOST, "since": SINCE}],
    "certificates": [{"domain": "mesh.example", "serial": "1f", "id": None, "since": SINCE}],
}

DOCUMENTS = """\
apiVersion: keyhole.dev/v1
kind: Policy
metadata: {name: base}
spec: {}
---
apiVersion: keyhole.dev/v1
kind: Policy
metadata: {name: tv}
spec:
  subjects: [token:tv, "spiffe://keyhole.internal/*"]
  rules: [{block: [a.example]}]
---
apiVersion: keyhole.dev/v1
kind: Client
metadata: {name: tv}
spec: {tokens: [tv]}
---
apiVersion: keyhole.dev/v1
kind: Upstream
metadata: {name: one}
spec: {protocol: dot, addresses: [192.0.2.1], serverName: dns.example.org}
"""


@pytest.fixture
def data(tmp_path: Path) -> DataFolder:
    """A data folder whose authority has issued nothing yet."""
    folder = DataFolder(tmp_path)
    folder.make()
    folder.config.write_text("clients: [127.0.0.0/8]\n")
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / "all.yaml").write_text(DOCUMENTS)
    return folder


def write(data: DataFolder, name: str, content: object) -> None:
    data.identity.mkdir(exist_ok=True)
    text = content if isinstance(content, str) else json.dumps(content)
    (data.identity / name).write_text(text)


def in_force(data: DataFolder) -> dict[str, Any]:
    snapshot: dict[str, Any] = json.loads(data.snapshot.read_bytes())
    return snapshot


def run(
    data: DataFolder, use: Callable[[Reconciler, list[Notice]], Awaitable[None]]
) -> list[Notice]:
    """Starts everything but a real engine, and returns the notices."""
    notices: list[Notice] = []

    async def life() -> None:
        engine, _ = fake_local_engine(data.path)
        reconciler = Reconciler(read_settings(data.config), data, engine, notices.append)
        try:
            await reconciler.start()
            await use(reconciler, notices)
        finally:
            await engine.stop()

    asyncio.run(life())
    return notices


def test_missing_files_count_as_empty(data: DataFolder) -> None:
    context = read_trust_context(read_settings(data.config), data.identity)
    assert context.tokens == {}
    assert context.trust.domains == []
    assert context.trusted_domains == frozenset({"keyhole.internal"})
    assert context.admits_networks is True


def test_tokens_and_revocations_are_read_from_their_files(data: DataFolder) -> None:
    write(data, "tokens.json", TOKENS)
    write(data, "revoked.json", REVOKED)
    context = read_trust_context(read_settings(data.config), data.identity)
    assert context.tokens == {"tv": DIGEST}
    assert context.trust.revoked.identities == [LOST]
    (certificate,) = context.trust.revoked.certificates
    assert (certificate.domain, certificate.serial) == ("mesh.example", "1f")


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("tokens.json", "{"),
        ("tokens.json", "[]"),
        ("tokens.json", {"tokens": [{"name": "tv"}]}),
        ("tokens.json", {"tokens": [{"name": "tv", "sha256": "secret"}]}),
        ("revoked.json", "{"),
        ("revoked.json", {"identities": ["web"]}),
        ("revoked.json", {"certificates": ["xyz"]}),
        ("bundle.pem", "no certificate"),
    ],
)
def test_a_damaged_file_is_an_error_that_names_it(
    data: DataFolder, file: str, content: object
) -> None:
    write(data, file, content)
    with pytest.raises(IdentityError, match=file.replace(".", r"\.")):
        compile_all(read_settings(data.config), data)


def test_the_summary_counts_the_documents(data: DataFolder) -> None:
    compiled = compile_all(read_settings(data.config), data)
    assert compiled.summary == "2 policies, 1 rule, 0 lists, 0 records, 1 upstream, 1 client"


def test_a_missing_token_is_advice_with_the_snapshot(data: DataFolder) -> None:
    advice = compile_all(read_settings(data.config), data).advice
    assert any("make it with keyhole token create tv" in one for one in advice)
    write(data, "tokens.json", TOKENS)
    assert compile_all(read_settings(data.config), data).advice == ()


def test_a_draft_elsewhere_is_compiled_with_the_tokens_of_the_folder(
    data: DataFolder, tmp_path: Path
) -> None:
    write(data, "tokens.json", TOKENS)
    scratch = DataFolder(tmp_path / "scratch")
    scratch.make()
    compiled = compile_all(read_settings(data.config), scratch, identity=data.identity)
    assert [one.name for one in compiled.snapshot.subjects.tokens] == ["tv"]


def test_the_files_are_watched_before_they_exist(data: DataFolder) -> None:
    async def use(reconciler: Reconciler, _: list[Notice]) -> None:
        names = {file.name for file in reconciler.watched_files if file.parent == data.identity}
        assert {"bundle.pem", "revoked.json", "tokens.json"} <= names

    run(data, use)


def test_a_new_token_and_a_revocation_take_effect_with_the_next_apply(
    data: DataFolder,
) -> None:
    async def use(reconciler: Reconciler, _: list[Notice]) -> None:
        assert in_force(data)["subjects"]["tokens"] == []
        write(data, "tokens.json", TOKENS)
        write(data, "revoked.json", REVOKED)
        await reconciler.apply()
        (token,) = in_force(data)["subjects"]["tokens"]
        assert (token["name"], token["sha256"], token["client"]) == ("tv", DIGEST, "tv")
        assert in_force(data)["trust"]["revoked"]["identities"] == [LOST]

    run(data, use)


@pytest.mark.parametrize("file", ["tokens.json", "revoked.json"])
def test_a_damaged_file_changes_nothing_and_is_reported(data: DataFolder, file: str) -> None:
    write(data, "tokens.json", TOKENS)
    write(data, "revoked.json", REVOKED)

    async def use(reconciler: Reconciler, notices: list[Notice]) -> None:
        before = in_force(data)
        write(data, file, "{")
        notices.clear()
        await reconciler.apply()
        assert in_force(data) == before
        (notice,) = notices
        assert notice.severity is Severity.ERROR
        assert file in " ".join(notice.details)
        # Other changes are not applied either while the revocations are unknown.
        (data.path / "documents" / "all.yaml").write_text(DOCUMENTS.replace("a.example", "b"))
        await reconciler.apply()
        assert in_force(data) == before

    run(data, use)


def test_starting_without_revocations_accepts_no_identity_until_that_is_fixed(
    data: DataFolder,
) -> None:
    write(data, "tokens.json", TOKENS)
    write(data, "revoked.json", "{")

    async def use(reconciler: Reconciler, notices: list[Notice]) -> None:
        snapshot = in_force(data)
        assert snapshot["trust"]["domains"] == []
        assert snapshot["subjects"]["tokens"] == []
        assert [policy["name"] for policy in snapshot["policies"]] == ["base", "tv"]
        assert notices[0].text.startswith("no certificate and no token is accepted")
        assert "revoked.json" in notices[0].details[0]
        write(data, "revoked.json", REVOKED)
        await reconciler.apply()
        assert [one["name"] for one in in_force(data)["subjects"]["tokens"]] == ["tv"]

    run(data, use)


def test_starting_without_revocations_keeps_the_last_good_snapshot(data: DataFolder) -> None:
    write(data, "tokens.json", TOKENS)

    async def nothing(_: Reconciler, __: list[Notice]) -> None:
        pass

    run(data, nothing)
    before = in_force(data)
    write(data, "revoked.json", "{")
    notices = run(data, nothing)
    assert in_force(data) == before
    assert "the last good snapshot serves until this is fixed" in notices[0].text


def test_starting_without_revocations_behind_a_mesh_refuses_every_query(data: DataFolder) -> None:
    """A sidecar could assert a revoked identity, and Keyhole could not check a certificate."""
    data.config.write_text(
        "listen: {mesh: ['127.0.0.1:0']}\nmesh: {trust_domains: [keyhole.internal]}\n"
    )
    write(data, "revoked.json", "{")

    async def use(_: Reconciler, __: list[Notice]) -> None:
        assert not data.snapshot.exists()

    notices = run(data, use)
    assert "every query is refused until this is fixed" in notices[0].text

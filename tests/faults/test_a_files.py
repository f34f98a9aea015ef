"""Section A: the files that documents name, and the files that Keyhole keeps."""

import json
import os
import socket
import ssl
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.world import own_authority as own
from tests.world.certificates import Authority, Pair
from tests.world.files import paths_below
from tests.world.resolver import Resolver, document
from tests.world.trust import TrustDomain
from tests.world.upstream import ADDRESS, Upstream

SECRET_LINE = "root:$6$salt$hash:19000:0:99999:7:::"


@pytest.fixture(scope="module")
def running(
    tmp_path_factory: pytest.TempPathFactory, authority: Authority, shared_upstream: Upstream
) -> Iterator[Resolver]:
    """A resolver with everything in its documents folder that a document must not name."""
    resolver = Resolver(tmp_path_factory.mktemp("files") / "data", authority)
    folder = resolver.documents
    outside = folder.parent / "outside.txt"
    outside.write_text(f"{SECRET_LINE}\n")
    (folder / "link.txt").symlink_to(outside)
    (folder / "up").symlink_to("..")
    (folder / "folder").mkdir()
    os.mkfifo(folder / "fifo")
    (folder / "device").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(folder / "socket"))
    (folder / "local.txt").write_text(f"{SECRET_LINE}\nads.example.org\n")
    (folder / "roots.pem").write_bytes(authority.root.read_bytes())
    resolver.write(
        resolver.upstream(shared_upstream.port),
        document("List", "local", files=["local.txt"]),
        document("Policy", "home", default="allow", upstreams=["test"], lists=["local"]),
    )
    yield resolver.start()
    resolver.stop()


PATHS = (
    "../outside.txt",
    "folder/../../outside.txt",
    "/etc/shadow",
    "~/.ssh/id_ed25519",
    "~nobody-of-that-name/file",
    "link.txt",
    "up/outside.txt",
    "fifo",
    "socket",
    "device",
    "folder",
)
FIELDS = ("files", "ca", "crls", "bundle", "domain-crls", "certificate", "key")


def _document(field: str, path: str) -> dict[str, Any]:
    """A document that names a path in one of its fields."""
    upstream: dict[str, Any] = {
        "protocol": "dot",
        "addresses": ["192.0.2.1"],
        "serverName": "dns.example.org",
    }
    pair = {"certificate": "roots.pem", "key": "roots.pem"}
    match field:
        case "files":
            return document("List", "odd", files=[path])
        case "bundle":
            return document("TrustDomain", "odd.example", bundle=path)
        case "domain-crls":
            return document("TrustDomain", "odd.example", bundle="roots.pem", crls=[path])
        case "certificate" | "key":
            shown = {**pair, field: path}
            return document("Upstream", "odd", **upstream, clientCertificate=shown)
    return document("Upstream", "odd", **upstream, **{field: [path] if field == "crls" else path})


@pytest.mark.parametrize("field", FIELDS)
def test_a_document_by_api_names_only_regular_files_below_the_documents_folder(
    running: Resolver, field: str
) -> None:
    """A1 and A4: in each field, each path that leaves the folder or is no regular file."""
    for path in PATHS:
        one = _document(field, path)
        answer = running.api("POST", "/documents", json={"text": json.dumps(one)})
        assert answer.status_code == 422, (path, answer.text)
        assert SECRET_LINE not in answer.text
        kind, name = one["kind"], one["metadata"]["name"]
        assert running.api("GET", f"/documents/{kind}/{name}").status_code == 404


def test_where_the_documents_are_one_file_a_document_by_api_names_no_file(
    resolver: Resolver,
) -> None:
    """A1: the folder of that file is the data folder, with all keys."""
    resolver.start()
    own.issue(resolver, "web", resolver.folder.parent / "web")
    resolver.stop()
    texts = [one.read_text() for one in sorted(resolver.documents.glob("*.yaml"))]
    (resolver.folder / "all.yaml").write_text("\n---\n".join(texts))
    resolver.configure(documents="all.yaml")
    resolver.start_refusing()
    for path in ("identity/issuer-key.pem", "keyhole.yaml", "server.key", "control.db"):
        for field in FIELDS:
            text = json.dumps(_document(field, path))
            answer = resolver.api("POST", "/documents", json={"text": text})
            assert answer.status_code == 422, (path, field, answer.text)
            assert "names only files below" in answer.text or "names no key file" in answer.text


def test_apply_is_held_to_the_same_and_says_what_would_be_right(running: Resolver) -> None:
    """A1: the command sends documents over the API."""
    done = running.command(
        "apply", "-f", "-", given=json.dumps(_document("files", "../identity/issuer-key.pem"))
    )
    assert done.returncode == 1
    said = " ".join((done.stdout + done.stderr).split())
    assert "names only files below the documents folder" in said
    pair = _document("certificate", "roots.pem")
    done = running.command("apply", "-f", "-", given=json.dumps(pair))
    assert done.returncode == 1
    assert "clientCertificate: {secret: NAME}" in " ".join((done.stdout + done.stderr).split())


def test_a_file_below_the_folder_is_taken(running: Resolver) -> None:
    """A1: what is right stays possible."""
    one = _document("ca", "roots.pem")
    assert running.command("apply", "-f", "-", given=json.dumps(one)).returncode == 0
    assert running.command("delete", "upstream", "odd").returncode == 0


def test_the_report_of_a_list_quotes_no_line_of_a_local_file(running: Resolver) -> None:
    """A1: number and reason say enough to who may read the file."""
    answer = running.api("GET", "/lists/local")
    assert answer.status_code == 200
    examples = answer.json()["examples"]
    assert [(one["line"], one["text"]) for one in examples] == [(1, "")]
    assert "salt" not in answer.text
    copies = [status.st_mode for _, status in paths_below(running.folder / "state" / "lists")]
    assert copies
    assert {stat.S_IMODE(mode) for mode in copies} == {0o600}


def test_a_stored_upstream_shows_a_certificate_by_the_name_of_a_secret(
    reset_resolver: Resolver, tmp_path: Path
) -> None:
    """A1: the key stays in the data folder; the document has its name."""
    resolver, home = reset_resolver, TrustDomain(tmp_path / "home")
    identity = home.id("ns/keyhole/sa/resolver")
    _store_secret(resolver.folder / "secrets" / "resolver", home.issuer.svid(identity))
    (resolver.documents / "roots.pem").write_bytes(resolver.authority.root.read_bytes())
    pair = resolver.authority.issue("upstream.example.org", "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_verify_locations(home.root.root)
    context.verify_mode = ssl.CERT_REQUIRED
    context.set_alpn_protocols(["dot"])
    with Upstream(pair, context=context) as upstream:
        shown = {"ca": "roots.pem", "clientCertificate": {"secret": "resolver"}}
        resolver.start()
        stored = json.dumps(resolver.upstream(upstream.port, "shown", **shown))
        assert resolver.command("apply", "-f", "-", given=stored).returncode == 0
        policy = document("Policy", "home", default="allow", upstreams=["shown"])
        resolver.write(policy)
        resolver.settle()
        assert resolver.server.ask("secret.example.org").addresses == [ADDRESS]
        assert set(upstream.shown) == {identity}
        resolver.write(document("Policy", "home", default="allow", upstreams=["test"]))
        resolver.settle()
        assert resolver.command("delete", "upstream", "shown").returncode == 0


def test_what_keyhole_keeps_is_for_its_user_alone_also_where_it_was_not(
    resolver: Resolver,
) -> None:
    """A5: folders 0700 and files 0600, made and mended at the start, with any umask."""
    loose = resolver.folder / "log" / "history" / "old"
    loose.mkdir(parents=True)
    (loose / "segment.parquet.old").touch()
    for path in (loose.parent.parent, loose.parent, loose, loose / "segment.parquet.old"):
        path.chmod(0o777)
    before = os.umask(0)
    try:
        resolver.start()
    finally:
        os.umask(before)
    resolver.wait_for_api()
    assert resolver.api("GET", "/queries").status_code == 200
    folders: set[int] = set()
    files: set[int] = set()
    for name in ("log", "state", "run"):
        below = [status.st_mode for _, status in paths_below(resolver.folder / name)]
        for mode in [(resolver.folder / name).stat().st_mode, *below]:
            if not stat.S_ISLNK(mode):
                (folders if stat.S_ISDIR(mode) else files).add(stat.S_IMODE(mode))
    assert folders == {0o700}
    assert files == {0o600}
    assert stat.S_IMODE(resolver.folder.stat().st_mode) == 0o700
    for path, status in paths_below(resolver.folder):
        if path.name.startswith("control.db"):
            assert stat.S_IMODE(status.st_mode) == 0o600


def _store_secret(folder: Path, pair: Pair) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tls.crt").write_bytes(pair.certificate.read_bytes())
    (folder / "tls.key").write_bytes(pair.key.read_bytes())

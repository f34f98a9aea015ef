"""Section E1: every change to what decides leaves its entry, however it came."""

import getpass
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.world import own_authority as own
from tests.world.process import run_keyhole
from tests.world.resolver import Resolver, document
from tests.world.trust import TrustDomain
from tests.world.upstream import Upstream
from tests.world.waiting import until

WEB = "spiffe://keyhole.internal/ns/shop/sa/web"


def _entries(resolver: Resolver, action: str) -> list[dict[str, Any]]:
    """The entries of an action, oldest first."""
    found = resolver.api("GET", "/audit", params={"limit": 1000}).json()["items"]
    return [one for one in reversed(found) if one["action"] == action]


def _wait_for(resolver: Resolver, action: str, count: int = 1) -> list[dict[str, Any]]:
    def look() -> list[dict[str, Any]] | None:
        found = _entries(resolver, action)
        return found if len(found) >= count else None

    found = until(look, f"{count} entries say {action}")
    assert len(found) == count, found
    return found


def _commands(resolver: Resolver, folder: Path) -> dict[str, Callable[[], Any]]:
    """Each command that changes who is believed, by the action of its entry."""

    def run(*words: str) -> Callable[[], Any]:
        return lambda: own.keyhole(resolver, *words, "--why", "a reason")

    return {
        "issue": run("identity", "issue", "shop/web", "--out", str(folder / "web")),
        "revoke": run("identity", "revoke", "shop/web"),
        "unrevoke": run("identity", "revoke", "shop/web", "--undo"),
        "create_token": run("token", "create", "tv"),
        "revoke_token": run("token", "revoke", "tv"),
        "create_enrollment": run("enroll", "create", "laptop", "--url", "https://127.0.0.1:8444"),
        "cancel_enrollment": run("enroll", "cancel", "laptop"),
        "rotate_root": run("identity", "rotate"),
    }


@pytest.mark.parametrize("is_running", [True, False], ids=["running", "stopped"])
def test_each_command_that_changes_who_is_believed_is_one_entry(
    resolver: Resolver, tmp_path: Path, is_running: bool
) -> None:
    """E1: who, when, why, before and after, also where control runs only later."""
    resolver.start()
    commands = _commands(resolver, tmp_path)
    if not is_running:
        resolver.stop()
    for act in commands.values():
        act()
    resolver.start()
    for action in commands:
        (one,) = _wait_for(resolver, action)
        assert (one["who"], one["via"]) == (f"local:{getpass.getuser()}", "command"), action
        assert one["message"] == "a reason", action
        assert {"before", "after"} <= one["detail"].keys(), action
    assert _entries(resolver, "unrevoke")[0]["detail"]["before"] == {"identities": [WEB]}
    # Once, however often control starts.
    resolver.stop()
    resolver.start()
    _wait_for(resolver, "revoke")
    shown = resolver.command("audit", "-n", "1000").stdout
    assert all(f" {action}:" in shown for action in commands), shown
    assert resolver.command("audit", "--verify").returncode == 0


def test_what_keyhole_signs_for_itself_is_one_entry_each(
    make_resolver: Callable[[], Resolver], upstream: Upstream
) -> None:
    """E1: root, issuer and the certificate of the listeners, made when they are needed first."""
    one = make_resolver()
    one.configure(tls={"names": ["resolver.example.org"]}, identity={"trust_domain": "own.test"})
    one.write(one.upstream(upstream.port))
    one.start()
    for action in ("create_root", "issue_issuer", "issue_server_certificate"):
        (entry,) = _wait_for(one, action)
        assert (entry["who"], entry["via"]) == ("keyhole", "certificates"), action
        assert {"before", "after"} <= entry["detail"].keys(), action
    assert "resolver.example.org" in entry["detail"]["names"]


def test_each_change_by_a_file_is_one_entry_with_the_owner_of_the_file(resolver: Resolver) -> None:
    """E1: changed, added, removed; while it runs, and while it does not."""
    resolver.start()
    until(lambda: _entries(resolver, "file_found"), "the files are known")
    rules = [{"block": ["blocked.example.org"]}]
    policy = document("Policy", "home", default="allow", upstreams=["test"], rules=rules)
    resolver.write(policy)
    (changed,) = _wait_for_document(resolver, "Policy/home", 1)
    assert (changed["who"], changed["via"]) == (f"local:{getpass.getuser()}", "file")
    detail = changed["detail"]
    assert detail["file"] == str(resolver.documents / "policy-home.yaml")
    assert detail["documents"] == {"Policy/home": "changed"}
    assert detail["before"]["Policy/home"] != detail["after"]["Policy/home"]
    assert '+  "rules"' in detail["difference"] or "blocked.example.org" in detail["difference"]
    resolver.write(document("Record", "printer", name="printer.example.org", a=["192.0.2.7"]))
    _wait_for_document(resolver, "Record/printer", 1)
    resolver.stop()
    (resolver.documents / "record-printer.yaml").unlink()
    resolver.start()
    *_, removed = _wait_for_document(resolver, "Record/printer", 2)
    assert removed["detail"]["documents"] == {"Record/printer": "deleted"}


def _wait_for_document(resolver: Resolver, label: str, count: int) -> list[dict[str, Any]]:
    def look() -> list[dict[str, Any]] | None:
        found = [
            one for one in _entries(resolver, "file_changed") if label in one["detail"]["documents"]
        ]
        return found if len(found) >= count else None

    return until(look, f"{count} entries speak of {label}")


def test_files_beside_the_documents_and_the_settings_leave_entries_too(
    resolver: Resolver,
) -> None:
    """E1: a list, the settings, and what somebody writes into the folder of the authority."""
    (resolver.documents / "ads.txt").write_text("0.0.0.0 tracker.example.com\n")
    resolver.write(document("List", "ads", kind="block", files=["ads.txt"]))
    policy = document("Policy", "home", default="allow", upstreams=["test"], lists=["ads"])
    resolver.write(policy)
    resolver.start()
    resolver.wait_for_api()
    resolver.wait_for(lambda: _entries(resolver, "file_found"), "the files are known")
    (resolver.documents / "ads.txt").write_text("0.0.0.0 other.example.com\n")
    (resolver.folder / "identity").mkdir(exist_ok=True)
    (resolver.folder / "identity" / "revoked.json").write_text(
        f'{{"identities": [{{"id": "{WEB}", "since": "2026-11-25T00:00:00Z"}}]}}'
    )
    resolver.settle()
    for file in (resolver.documents / "ads.txt", resolver.folder / "identity" / "revoked.json"):
        _wait_for_document(resolver, str(file), 1)
    resolver.stop()
    resolver.configure(clients=["127.0.0.0/8"])
    resolver.config.write_text(f"{resolver.config.read_text()}\n# postgresql://a:hidden@[::1]/k\n")
    resolver.start()
    (changed,) = _wait_for_document(resolver, str(resolver.config), 1)
    assert '+ "clients": [' in changed["detail"]["difference"]
    assert "postgresql://***@[::1]/k" in changed["detail"]["difference"]
    assert "hidden" not in resolver.api("GET", "/audit", params={"limit": 1000}).text


def test_trust_that_ends_while_a_document_is_invalid_is_an_entry_at_once(
    resolver: Resolver, tmp_path: Path
) -> None:
    """E1: it acts at once, and who puts it back before the typo is mended leaves a trace."""
    home = TrustDomain(tmp_path / "home", "home.test")
    domain = home.write(resolver.documents)
    resolver.write(domain)
    resolver.start()
    resolver.wait_for_api()
    resolver.wait_for(lambda: _entries(resolver, "file_found"), "the files are known")
    (resolver.documents / "typo.yaml").write_text("kind: Polcy\n")
    resolver.wait_for(lambda: "no kind Polcy" in resolver.program.output, "the typo is told")
    (resolver.documents / "trustdomain-home.test.yaml").unlink()
    (gone,) = _wait_for_document(resolver, "TrustDomain/home.test", 1)
    assert gone["detail"]["documents"] == {"TrustDomain/home.test": "deleted"}
    resolver.write(domain)
    *_, back = _wait_for_document(resolver, "TrustDomain/home.test", 2)
    assert back["detail"]["documents"] == {"TrustDomain/home.test": "created"}
    lists = home.lists()
    (resolver.documents / "home.test-crl.pem").write_bytes(lists)
    _wait_for_document(resolver, str(resolver.documents / "home.test-crl.pem"), 1)


def test_who_gives_up_what_is_missing_leaves_an_entry(resolver: Resolver) -> None:
    """E1: `setup --new` ends the trust in all clients, or puts other documents in force."""
    resolver.start()
    own.create_token(resolver, "tv")
    resolver.stop()
    (resolver.folder / "identity" / "tokens.json").unlink()
    own.keyhole(resolver, "setup", "--new", "--why", "no backup")
    resolver.start()
    (one,) = _wait_for(resolver, "setup_new")
    assert one["who"] == f"local:{getpass.getuser()}"
    assert one["message"] == "no backup"
    assert "identity/tokens.json" in one["detail"]["before"]


def test_an_import_into_the_data_folder_is_an_entry(resolver: Resolver, tmp_path: Path) -> None:
    """E1: which file of which product, and what it replaced."""
    file = tmp_path / "config.yml"
    file.write_text("customDNS: {mapping: {printer.example.org: 192.0.2.7}}\n")
    resolver.start()
    done = run_keyhole("import", "blocky", str(file), "--out", str(resolver.documents), "--force")
    assert done.returncode == 0, done.stdout + done.stderr
    (one,) = _wait_for(resolver, "import")
    assert one["detail"]["file"] == str(file)
    assert one["detail"]["before"] is not None


def test_a_stored_document_says_what_was_before_and_what_is_after(resolver: Resolver) -> None:
    """E1: created, changed, deleted and rolled back, with the lines that differ."""
    resolver.start()
    resolver.wait_for_api()
    for address in ("192.0.2.3", "192.0.2.4"):
        one = json.dumps(document("Record", "x", name="x.example.org", a=[address]))
        assert resolver.command("apply", "-f", "-", given=one).returncode == 0
    assert resolver.command("delete", "record", "x").returncode == 0
    created, changed = (one["detail"] for one in _entries(resolver, "apply"))
    (deleted,) = (one["detail"] for one in _entries(resolver, "delete"))
    assert (created["before"], deleted["after"]) == ({}, {})
    assert created["after"] == changed["before"]
    assert changed["after"] == deleted["before"]
    assert created["after"] != changed["after"]
    assert "-" in changed["difference"]
    assert "192.0.2.3" in changed["difference"]
    assert "192.0.2.4" in changed["difference"]


def test_people_and_pauses_say_what_was_before(resolver: Resolver) -> None:
    """E1: the same for what comes by the API."""
    resolver.start()
    resolver.wait_for_api()
    assert resolver.api("POST", "/people", json={"name": "anna", "role": "viewer"}).is_success
    for body in ({"role": "operator"}, {"is_disabled": True}):
        assert resolver.api("PATCH", "/people/anna", json=body).is_success
    for seconds in (60, 120):
        assert resolver.api("POST", "/pauses", json={"seconds": seconds}).is_success
    assert resolver.api("DELETE", "/pauses").is_success
    token = {"name": "ci", "role": "viewer"}
    assert resolver.api("POST", "/tokens", json=token).is_success
    assert resolver.api("POST", "/people/anna/reset", json={"second_factor": True}).is_success
    assert resolver.api("DELETE", "/people/anna").is_success
    people = ("person_role", "person_disabled", "person_reset", "person_removed")
    for action in (*people, "token_created", "pause", "resume"):
        found = _entries(resolver, action)
        assert found, action
        for one in found:
            assert {"before", "after"} <= one["detail"].keys(), one

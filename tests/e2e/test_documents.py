"""Documents change in one way: by command and by API, whole or not at all, and never unseen."""

import json
import os
import random
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.world.certificates import Authority
from tests.world.resolver import Resolver, document
from tests.world.upstream import ADDRESS, Upstream

KILLS = int(os.environ.get("KEYHOLE_KILLS", "3"))


@pytest.fixture(scope="module")
def running(
    tmp_path_factory: pytest.TempPathFactory, authority: Authority, shared_upstream: Upstream
) -> Iterator[Resolver]:
    """One resolver for this module; each test has documents of its own name in it."""
    resolver = Resolver(tmp_path_factory.mktemp("documents") / "data", authority)
    resolver.write(
        resolver.upstream(shared_upstream.port),
        document("Policy", "home", default="allow", upstreams=["test"]),
    )
    yield resolver.start()
    resolver.stop()


def _record(name: str, address: str) -> str:
    return json.dumps(document("Record", name, name=f"{name}.example.org", ttl=0, a=[address]))


def _blocking(name: str) -> str:
    """A policy for one client network that blocks a name."""
    return json.dumps(
        document(
            "Policy", name, subjects=["cidr:127.0.0.1/32"], default="allow", upstreams=["test"],
            rules=[{"block": [f"{name}.example.org"]}],
        )
    )  # fmt: skip


def _apply(resolver: Resolver, text: str, *words: str) -> tuple[int, str]:
    done = resolver.command("apply", "-f", "-", *words, given=text)
    return done.returncode, done.stdout + done.stderr


def test_what_is_applied_decides_the_next_answer(running: Resolver) -> None:
    engine = running.program.children("engine")
    assert running.server.ask("shop.example.org").addresses == [ADDRESS]
    assert _apply(running, _blocking("shop"))[0] == 0
    assert running.server.ask("shop.example.org").rcode == "NXDOMAIN"
    assert running.command("delete", "policy", "shop").returncode == 0
    assert running.server.ask("shop.example.org").addresses == [ADDRESS]
    assert running.program.children("engine") == engine, "no restart"


def test_one_mistake_keeps_everything_out_and_every_mistake_is_told(running: Resolver) -> None:
    good = _record("wellformed", "192.0.2.1")
    bad = good.replace("wellformed", "second").replace('"ttl": 0', '"ttl": "often"')
    worse = _blocking("third").replace("allow", "alow")
    code, said = _apply(running, "\n---\n".join([good, bad, worse]))
    assert code == 1
    assert "-:3 Record/second spec.ttl" in said
    assert "-:5 Policy/third spec.default: alow is not valid here; did you mean allow?" in said
    assert running.api("GET", "/documents/Record/wellformed").status_code == 404
    assert running.server.ask("wellformed.example.org").addresses == [ADDRESS]


def test_an_error_has_its_place_in_parts_for_programs(running: Resolver) -> None:
    bad = "# mine\n" + _record("parts", "192.0.2.1").replace('"ttl": 0', '"ttl": "often"')
    answer = running.api("POST", "/documents", json={"text": bad, "file": "editor"})
    assert answer.status_code == 422
    (found,) = answer.json()["problems"]
    assert found["place"] == "editor:2 Record/parts spec.ttl"
    assert (found["file"], found["line"]) == ("editor", 2)
    assert (found["document"], found["path"]) == ("Record/parts", "spec.ttl")
    broken = running.api("POST", "/documents", json={"text": "kind: [\n"}).json()["problems"]
    assert [(one["line"], one["path"]) for one in broken] == [(2, "")]


def test_a_document_says_who_wrote_which_version_and_why(running: Resolver) -> None:
    path = "/documents/Record/written"
    for number, why in ((1, "first"), (2, "second")):
        body = {"text": _record("written", f"192.0.2.{number}"), "message": why}
        answer = running.api("PUT", path, json=body, headers={"if-match": "*"})
        assert answer.status_code == 200, answer.text
    shown = running.api("GET", path).json()["last_change"]
    assert (shown["action"], shown["message"]) == ("apply", "second")
    assert shown["number"] == answer.json()["change"]
    versions = running.api("GET", f"{path}/versions").json()["items"]
    assert [one["last_change"]["message"] for one in versions] == ["second", "first"]
    listed = running.api("GET", "/documents?kind=Record&origin=stored").json()["items"]
    assert shown in [one["last_change"] for one in listed]
    declared = running.api("GET", "/documents?origin=declared").json()["items"]
    assert {one["last_change"] for one in declared} == {None}


def test_documents_that_only_fail_together_are_refused_together(running: Resolver) -> None:
    text = _blocking("lonely").replace('"test"', '"nowhere"')
    code, said = _apply(running, text)
    assert code == 1
    assert "there is no Upstream nowhere" in said


def test_a_trial_changes_nothing(running: Resolver) -> None:
    code, said = _apply(running, _record("trial", "192.0.2.1"), "--dry-run")
    assert code == 0
    assert "Record/trial created" in said
    assert "nothing was changed" in said
    assert running.api("GET", "/documents/Record/trial").status_code == 404


def test_what_was_written_comes_back_letter_by_letter(running: Resolver) -> None:
    text = (
        "# why: the printer moved   \napiVersion: keyhole.dev/v1\nkind: Record\n"
        "metadata: {name: printer}\nspec: {name: printer.example.org, a: [192.0.2.7]} # lobby\n"
    )
    assert _apply(running, text)[0] == 0
    shown = running.command("get", "records", "printer", "-o", "yaml").stdout
    assert shown == f"# keyhole-version: 1\n{text}"
    exported = running.command("export").stdout
    assert text in exported
    assert _apply(running, exported)[1].count("unchanged") == exported.count("apiVersion")


def test_two_administrators_cannot_overwrite_each_other_by_command(running: Resolver) -> None:
    _apply(running, _record("door", "192.0.2.1"))
    seen = running.command("get", "record", "door", "-o", "yaml").stdout
    assert _apply(running, seen.replace("192.0.2.1", "192.0.2.2"))[0] == 0
    code, said = _apply(running, seen.replace("192.0.2.1", "192.0.2.3"))
    assert code == 1
    assert "Record/door was changed to version 2 by local:" in said
    assert running.server.ask("door.example.org").addresses == ["192.0.2.2"]
    assert _apply(running, seen.replace("192.0.2.1", "192.0.2.3"), "--force")[0] == 0
    assert running.server.ask("door.example.org").addresses == ["192.0.2.3"]


def test_all_documents_are_exported_as_one_file_that_can_be_applied(running: Resolver) -> None:
    _apply(running, _record("desk", "192.0.2.7"))
    answer = running.api("GET", "/documents/export")
    assert answer.headers["content-type"] == "application/yaml"
    assert 'filename="keyhole-documents.yaml"' in answer.headers["content-disposition"]
    assert '"home"' in answer.text
    stored = running.api("GET", "/documents/export?origin=stored").text
    assert '"home"' not in stored
    again = running.api("POST", "/documents", json={"text": stored, "is_dry_run": True}).json()
    assert {one["what"] for one in again["effects"]} == {"unchanged"}
    assert ("Record", "desk") in {(one["kind"], one["name"]) for one in again["effects"]}


def test_a_change_by_api_must_name_the_version_that_was_seen(running: Resolver) -> None:
    path = "/documents/Record/gate"
    new = {"text": _record("gate", "192.0.2.1")}
    assert running.api("PUT", path, json=new).status_code == 428
    assert running.api("PUT", path, json=new, headers={"if-none-match": "*"}).status_code == 200
    assert running.api("PUT", path, json=new, headers={"if-none-match": "*"}).status_code == 412
    tag = running.api("GET", path).headers["etag"]
    newer = {"text": _record("gate", "192.0.2.2")}
    assert running.api("PUT", path, json=newer, headers={"if-match": tag}).status_code == 200
    late = running.api("PUT", path, json=new, headers={"if-match": tag})
    assert (late.status_code, late.headers["content-type"]) == (412, "application/problem+json")
    assert "Record/gate was changed to version 2 by local:" in late.json()["detail"]
    assert running.api("DELETE", path, headers={"if-match": tag}).status_code == 412
    assert running.server.ask("gate.example.org").addresses == ["192.0.2.2"]


def test_an_earlier_version_comes_back_as_a_new_one(running: Resolver) -> None:
    _apply(running, _record("lamp", "192.0.2.1"))
    _apply(running, _record("lamp", "192.0.2.2"))
    assert running.command("rollback", "record", "lamp").returncode == 0
    assert running.server.ask("lamp.example.org").addresses == ["192.0.2.1"]
    versions = running.api("GET", "/documents/Record/lamp/versions").json()["items"]
    assert [one["version"] for one in versions] == [3, 2, 1]
    running.command("delete", "record", "lamp")
    assert running.command("rollback", "record", "lamp", "--to", "2").returncode == 0
    assert running.server.ask("lamp.example.org").addresses == ["192.0.2.2"]


def test_a_whole_change_is_undone_unless_something_came_after_it(running: Resolver) -> None:
    both = "\n---\n".join([_record("left", "192.0.2.1"), _record("right", "192.0.2.1")])
    change = _change(running, both)
    later = _change(running, _record("left", "192.0.2.2"))
    refused = running.command("rollback", "--change", str(change))
    assert refused.returncode == 1
    assert f"Record/left was changed again by change {later}" in refused.stderr
    assert running.command("rollback", "--change", str(later)).returncode == 0
    third = running.api("GET", "/documents/Record/left").json()["version"]
    assert third == 3
    assert running.server.ask("left.example.org").addresses == ["192.0.2.1"]


def test_a_document_of_a_file_is_changed_in_its_file_alone(running: Resolver) -> None:
    running.write(document("Record", "filed", name="filed.example.org", ttl=0, a=["192.0.2.1"]))
    running.settle()
    code, said = _apply(running, _record("filed", "192.0.2.2"))
    assert code == 1
    assert "Record/filed is declared in record-filed.yaml:1" in said
    asked = {"text": _record("filed", "192.0.2.2")}
    answer = running.api("PUT", "/documents/Record/filed", json=asked, headers={"if-match": "*"})
    assert answer.status_code == 409
    assert running.command("delete", "record", "filed").returncode == 1
    assert running.api("GET", "/documents/Record/filed").json()["origin"] == "declared"


def test_a_file_wins_over_a_stored_document_and_the_drift_is_shown(running: Resolver) -> None:
    _apply(running, _record("twice", "192.0.2.1"))
    assert running.command("diff").returncode == 0
    running.write(document("Record", "twice", name="twice.example.org", ttl=0, a=["192.0.2.2"]))
    running.settle()
    assert running.server.ask("twice.example.org").addresses == ["192.0.2.2"]
    drift = running.command("diff")
    assert drift.returncode == 1
    assert "Record/twice: stored, but a file declares it too" in drift.stdout
    (running.documents / "record-twice.yaml").unlink()
    running.settle()
    assert running.server.ask("twice.example.org").addresses == ["192.0.2.1"]


def test_a_file_that_is_not_valid_is_shown_as_drift(running: Resolver) -> None:
    wrong = running.documents / "wrong.yaml"
    wrong.write_text(_record("wrong", "192.0.2.1").replace("192.0.2.1", "192.0.2.999"))
    try:
        drift = running.command("diff")
        assert drift.returncode == 1
        assert "wrong.yaml:1 Record/wrong" in drift.stdout
    finally:
        wrong.unlink()


def test_what_applying_would_change_is_shown_line_by_line(running: Resolver) -> None:
    _apply(running, _record("before", "192.0.2.1"))
    done = running.command("diff", "-f", "-", given=_record("before", "192.0.2.2"))
    assert done.returncode == 1
    assert "-{" in done.stdout
    assert "+{" in done.stdout
    assert running.command("diff", "-f", "-", given=_record("before", "192.0.2.1")).returncode == 0


def test_a_list_that_is_applied_finds_its_files_in_the_documents_folder(
    running: Resolver,
) -> None:
    (running.documents / "few.txt").write_text("listed.example.org\n")
    text = "\n---\n".join(
        [
            json.dumps(document("List", "few", kind="block", files=["few.txt"])),
            _blocking("lister").replace('"rules"', '"lists": ["few"], "rules"'),
        ]
    )
    code, said = _apply(running, text)
    assert code == 0, said
    assert running.server.ask("listed.example.org").rcode == "NXDOMAIN"
    (running.documents / "few.txt").write_text("other.example.org\n")
    running.wait_for(
        lambda: running.server.ask("listed.example.org").rcode == "NOERROR", "the new file counts"
    )
    running.command("delete", "policy", "lister")


def test_every_change_is_in_the_audit_record_with_who_and_why(running: Resolver) -> None:
    _apply(running, _record("audited", "192.0.2.1"), "--message", "for the auditor")
    newest = running.api("GET", "/audit", params={"limit": 1}).json()["items"][0]
    assert newest["who"].startswith("local:")
    assert (newest["via"], newest["action"]) == ("socket", "apply")
    assert newest["message"] == "for the auditor"
    assert newest["detail"]["documents"] == {"Record/audited": "created"}
    assert "for the auditor" in running.command("audit").stdout
    assert running.command("audit", "--verify").returncode == 0


def test_pages_lead_through_all_documents_once(running: Resolver) -> None:
    _apply(running, "\n---\n".join(_record(f"page{n}", "192.0.2.1") for n in range(5)))
    seen: list[str] = []
    cursor: str | None = None
    while True:
        query: dict[str, Any] = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = running.api("GET", "/documents", params=query).json()
        seen += [f"{one['kind']}/{one['name']}" for one in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == sorted(set(seen))
    assert {f"Record/page{n}" for n in range(5)} <= set(seen)


@pytest.mark.parametrize("cursor", ["!", "e30", "AAAA", "x" * 2000])
def test_a_cursor_that_is_none_of_ours_is_refused(running: Resolver, cursor: str) -> None:
    answer = running.api("GET", "/documents", params={"cursor": cursor})
    assert answer.status_code == 400
    assert "begin without one" in answer.json()["detail"]


def test_commands_say_when_no_keyhole_runs(make_resolver: Any) -> None:
    from tests.world.process import call_keyhole

    folder: Path = make_resolver().folder
    done = call_keyhole("get", "--data", str(folder))
    assert done.returncode == 1
    assert "no Keyhole runs with the data folder" in done.stderr


@pytest.mark.timeout(300 + 15 * KILLS)
def test_killed_in_the_midst_of_changes_the_old_or_the_new_is_in_force(
    resolver: Resolver,
) -> None:
    chance = random.Random(4)
    acknowledged = 0
    for _ in range(KILLS):
        resolver.start()
        resolver.wait_for_api()
        asking = threading.Thread(target=_keep_changing, args=(resolver, told := [acknowledged]))
        asking.start()
        # Killed at any moment, but never before there is a change at all.
        resolver.wait_for(lambda: told[-1] > acknowledged, "a change is acknowledged")  # noqa: B023
        threading.Event().wait(chance.uniform(0.0, 0.3))
        resolver.kill()
        asking.join()
        acknowledged = told[-1]
    resolver.start()
    resolver.wait_for_api()
    now = _number(resolver)
    assert now in (acknowledged, acknowledged + 1)
    stored = resolver.api("GET", "/documents/Record/steady").json()
    assert f"198.19.{now // 256}.{now % 256}" in stored["text"]
    assert resolver.command("audit", "--verify").returncode == 0


def _keep_changing(resolver: Resolver, told: list[int]) -> None:
    """Writes one version after the other until nobody answers; keeps which were acknowledged."""
    number = max(told[-1], _stored_number(resolver))
    while True:
        number += 1
        text = _record("steady", f"198.19.{number // 256}.{number % 256}")
        try:
            answer = resolver.api("POST", "/documents", json={"text": text})
        except (httpx2.TransportError, AssertionError):
            return
        assert answer.status_code == 200, answer.text
        told.append(number)


def _stored_number(resolver: Resolver) -> int:
    try:
        answer = resolver.api("GET", "/documents/Record/steady")
    except (httpx2.TransportError, AssertionError):
        return 0
    if answer.status_code == 404:
        return 0
    a, b = json.loads(answer.json()["text"])["spec"]["a"][0].split(".")[2:]
    return int(a) * 256 + int(b)


def _number(resolver: Resolver) -> int:
    resolver.wait_for(lambda: _stored_number(resolver) == _asked(resolver), "they agree")
    return _asked(resolver)


def _asked(resolver: Resolver) -> int:
    reply = resolver.try_ask("steady.example.org")
    addresses = reply.addresses if reply else []
    if not addresses or not addresses[0].startswith("198.19."):
        return 0
    a, b = addresses[0].split(".")[2:]
    return int(a) * 256 + int(b)


def _change(resolver: Resolver, text: str) -> int:
    done = resolver.command("apply", "-f", "-", "--json", given=text)
    assert done.returncode == 0, done.stderr
    return int(json.loads(done.stdout)["change"])

"""The golden options and snapshot, which Python and Rust must both read.

``python tests/contract/test_golden.py`` regenerates them from the files in the same folder.
"""

import json
import sys
from pathlib import Path

from keyhole.config import load_config, read_documents, resolve
from keyhole.model.options import Options
from keyhole.model.overrides import Decision, Overrides, Pause
from keyhole.model.snapshot import ListFile, Snapshot
from keyhole.model.snapshot_identity import (
    NotBefore,
    Revoked,
    RevokedCertificate,
    Trust,
    TrustDomain,
)
from keyhole.policy import TrustContext, compile_documents, cross_check
from keyhole.policy.overrides import lay_over

GOLDEN = Path(__file__).parent / "golden"
LISTS = ListFile(path=f"/var/lib/keyhole/state/lists-{'ab' * 32}.khl", sha256="ab" * 32)
OWN = "keyhole.internal"
KNOWN = TrustContext(
    tokens={name: f"{number:064x}" for number, name in enumerate(("tv", "printer", "guest"), 10)},
    trust=Trust(
        domains=[
            TrustDomain(
                name=OWN,
                bundle=(GOLDEN / "bundle.pem").read_text(),
                crls="",
                origin="/var/lib/keyhole/identity",
            )
        ],
        revoked=Revoked(
            identities=[f"spiffe://{OWN}/ns/shop/sa/lost"],
            certificates=[RevokedCertificate(domain=OWN, serial="1f")],
            not_before=[NotBefore(id=f"spiffe://{OWN}/ns/shop/sa/stolen", at=1_795_640_400)],
        ),
    ),
    trusted_domains=frozenset([OWN, "cluster.local"]),
    admits_networks=True,
)


OVERRIDES = Overrides(
    pauses=[Pause(policy="base", since=1_795_644_000, until=1_795_644_600)],
    decisions=[
        Decision(
            number=3,
            action="allow",
            name="ads.example.org",
            below=True,
            client="token:tv",
            since=1_795_644_000,
            until=1_795_647_600,
        )
    ],
)


def golden_options() -> bytes:
    config, advice = load_config(GOLDEN / "keyhole.yaml")
    assert advice == []
    return resolve(config, GOLDEN).options.to_json()


def golden_snapshot() -> bytes:
    documents, problems = read_documents([GOLDEN / "documents"])
    assert problems == []
    # Missing files, such as client keys, do not affect the snapshot.
    problems = [one for one in cross_check(documents, context=KNOWN) if not one.is_advice]
    assert {one.path.split(".")[1] for one in problems} == {"clientCertificate"}
    plain = compile_documents(documents, 7, LISTS, context=KNOWN, year=2026).snapshot
    return lay_over(plain, OVERRIDES).to_json()


def test_the_golden_options_match_the_configuration() -> None:
    assert golden_options() == (GOLDEN / "options.json").read_bytes()


def test_the_golden_snapshot_matches_the_compiled_documents() -> None:
    assert golden_snapshot() == (GOLDEN / "snapshot.json").read_bytes()


def test_the_golden_documents_survive_a_round_trip() -> None:
    options, snapshot = (GOLDEN / "options.json"), (GOLDEN / "snapshot.json")
    assert Options.model_validate_json(options.read_bytes()).to_json() == options.read_bytes()
    assert Snapshot.model_validate_json(snapshot.read_bytes()).to_json() == snapshot.read_bytes()


def test_the_golden_snapshot_has_every_variant_of_tagged_values() -> None:
    snapshot = json.loads((GOLDEN / "snapshot.json").read_bytes())
    rules = snapshot["policies"][0]["rules"]
    answers = [json.dumps(rule["answer"]) for rule in rules]
    assert {'"nxdomain"', '"refused"', '"null"', '{"address": "192.0.2.1"}'} <= set(answers)
    kinds = {key for rule in rules for match in rule["matches"] for key in match}
    assert kinds == {"exact", "below", "regex"}
    assert {key for one in snapshot["records"] for key in one["data"]} == {
        "a",
        "aaaa",
        "cname",
        "ptr",
        "txt",
    }
    assert {one["protocol"] for one in snapshot["upstreams"]} == {"doh", "dot", "tcp"}
    assert {"public", "pem"} == {
        one["roots"] if isinstance(one["roots"], str) else next(iter(one["roots"]))
        for one in snapshot["upstreams"]
    }


def test_the_golden_snapshot_has_every_kind_of_client_identity() -> None:
    snapshot = json.loads((GOLDEN / "snapshot.json").read_bytes())
    trust, subjects = snapshot["trust"], snapshot["subjects"]
    assert [one["name"] for one in trust["domains"]] == ["keyhole.internal", "example.org"]
    assert [bool(one["crls"]) for one in trust["domains"]] == [False, True]
    assert all(trust["revoked"].values())
    assert all(subjects[key] for key in ("identities", "below", "tokens", "networks", "expired"))
    for key in ("identities", "tokens", "networks"):
        assert {one["policy"] is None for one in subjects[key]} == {True, False}, key
        assert {one["client"] is None for one in subjects[key]} == {True, False}, key
    assert snapshot["default_policy"] == 0
    assert {one["mode"] for one in snapshot["policies"]} == {"enforce", "observe"}
    assert {one["log"] for one in snapshot["policies"]} == {"full", "anonymous", "none"}
    whens = {rule["when"] for policy in snapshot["policies"] for rule in policy["rules"]}
    assert whens == {None, *range(len(snapshot["schedules"]))}
    assert {one["record_set"] for one in snapshot["policies"]} == {0, 1}
    assert {bool(one["server_id"]) for one in snapshot["upstreams"]} == {True, False}
    assert {bool(one["crls"]) for one in snapshot["upstreams"]} == {True, False}


def test_the_golden_options_have_every_authentication_mode() -> None:
    options = json.loads((GOLDEN / "options.json").read_bytes())
    assert set(options["authentication"].values()) == {"auto", "strict", "permissive"}
    assert all(options["mesh"].values())
    assert options["listen"]["mesh"]
    assert options["names"] == ["dns.example.org"]


if __name__ == "__main__":
    (GOLDEN / "options.json").write_bytes(golden_options())
    (GOLDEN / "snapshot.json").write_bytes(golden_snapshot())
    sys.exit(0)

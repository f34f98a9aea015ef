"""The documents of the boundary, as both languages read them.

``python tests/contract/test_golden.py`` writes them again from the files beside them.
"""

import json
import sys
from pathlib import Path

from keyhole.config import load_config, read_documents, resolve
from keyhole.model.options import Options
from keyhole.model.snapshot import ListFile, Snapshot
from keyhole.policy import compile_documents

GOLDEN = Path(__file__).parent / "golden"
LISTS = ListFile(path=f"/var/lib/keyhole/state/lists-{'ab' * 32}.khl", sha256="ab" * 32)


def golden_options() -> bytes:
    config, advice = load_config(GOLDEN / "keyhole.yaml")
    assert advice == []
    return resolve(config, GOLDEN).options.to_json()


def golden_snapshot() -> bytes:
    documents, problems = read_documents([GOLDEN / "documents"])
    assert problems == []
    return compile_documents(documents, 7, LISTS).snapshot.to_json()


def test_the_golden_options_are_what_the_config_beside_them_resolves_to() -> None:
    assert golden_options() == (GOLDEN / "options.json").read_bytes()


def test_the_golden_snapshot_is_what_the_documents_beside_it_compile_to() -> None:
    assert golden_snapshot() == (GOLDEN / "snapshot.json").read_bytes()


def test_the_golden_documents_read_back_as_themselves() -> None:
    options, snapshot = (GOLDEN / "options.json"), (GOLDEN / "snapshot.json")
    assert Options.model_validate_json(options.read_bytes()).to_json() == options.read_bytes()
    assert Snapshot.model_validate_json(snapshot.read_bytes()).to_json() == snapshot.read_bytes()


def test_the_golden_snapshot_holds_every_form_that_a_tagged_value_has() -> None:
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


if __name__ == "__main__":
    (GOLDEN / "options.json").write_bytes(golden_options())
    (GOLDEN / "snapshot.json").write_bytes(golden_snapshot())
    sys.exit(0)

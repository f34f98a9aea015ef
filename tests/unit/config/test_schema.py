import json
from pathlib import Path

import pytest

from keyhole.config.schema import main, schemas, stale
from keyhole.model.document import KINDS

COMMITTED = Path(__file__).parents[3] / "schema"


def test_the_committed_schemas_are_up_to_date() -> None:
    assert stale(COMMITTED) == []


def test_every_key_of_every_schema_is_described() -> None:
    for name in ("config", *(kind.lower() for kind in KINDS)):
        schema = json.loads(dict(schemas())[f"{name}.schema.json"])
        parts = [schema, *schema.get("$defs", {}).values()]
        objects = [one for part in parts for one in part.get("anyOf", [part]) if "enum" not in one]
        for part in objects:
            assert part["additionalProperties"] is False
            for key, value in part["properties"].items():
                assert "description" in value or "$ref" in value, f"{name}: {key}"


def test_the_check_names_outdated_files_and_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--check", str(tmp_path)]) == 1
    assert "config.schema.json is out of date" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
    assert main([str(tmp_path)]) == 0
    assert main(["--check", str(tmp_path)]) == 0
    assert main([]) == 2

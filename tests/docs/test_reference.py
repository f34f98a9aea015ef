"""Pages that follow from the code follow it."""

from keyhole.config.schema import stale as stale_schemas
from tools import reference


def test_the_reference_pages_are_what_the_code_says() -> None:
    assert reference.stale() == [], "run ./dev gen"


def test_the_schemas_are_what_the_models_say() -> None:
    assert stale_schemas(reference.ROOT / "schema") == [], "run ./dev gen"

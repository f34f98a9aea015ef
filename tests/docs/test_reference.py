"""Pages that follow from the code follow it."""

from keyhole.config.schema import stale as stale_schemas
from tools import reference
from tools.reference.command_tree import read_program


def test_the_reference_pages_are_what_the_code_says() -> None:
    assert reference.stale() == [], "run ./dev gen"


def test_the_schemas_are_what_the_models_say() -> None:
    assert stale_schemas(reference.ROOT / "schema") == [], "run ./dev gen"


def test_an_example_that_begins_with_another_program_is_a_command_and_no_part_of_a_sentence() -> (
    None
):
    commands = {
        each.name: each
        for under in read_program().headings.values()
        for one in under
        for each in one.all()
    }
    for name, begin in (("keyhole restore", "age -d "), ("keyhole mesh check", "helm template ")):
        lines = [example.line for example in commands[name].examples]
        assert any(one.startswith(begin) and f"| {name} -" in one for one in lines)
        assert not any(begin in note for note in commands[name].notes)
    assert "Keyhole must not run on the folder." in commands["keyhole restore"].notes

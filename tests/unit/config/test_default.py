from collections.abc import Iterator

from pydantic import BaseModel

from keyhole.config import Config, default_config_text, read_config_text


def keys(model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    for name, field in model.model_fields.items():
        annotation: object = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from keys(annotation)
        else:
            yield name, field.description or ""


def test_the_default_file_reads_back_as_the_defaults_without_advice() -> None:
    assert read_config_text(default_config_text(), "keyhole.yaml") == (Config(), [])


def test_the_default_file_shows_every_key_with_its_description() -> None:
    text = default_config_text()
    flowing = " ".join(line.strip().removeprefix("# ") for line in text.splitlines())
    for name, description in keys(Config):
        assert f"{name}:" in text
        assert description, f"{name} has no description"
        assert description in flowing, name


def test_no_line_of_the_default_file_is_too_long_to_read() -> None:
    assert max(map(len, default_config_text().splitlines())) <= 100

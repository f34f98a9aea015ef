"""The section ``database`` of ``keyhole.yaml``: documents and the audit record."""

from typing import Self

from pydantic import Field, model_validator

from keyhole.model.field_types import Section, error_at


class DatabaseSection(Section):
    """The database of changes by command and API: all versions and the audit record. The default is
    a SQLite file, control.db in the data folder. For PostgreSQL, write url or url_file."""

    url: str | None = Field(
        None,
        min_length=1,
        description="A PostgreSQL database.",
        examples=["postgresql://keyhole@db.example.org/keyhole"],
    )
    url_file: str | None = Field(
        None,
        min_length=1,
        description="A file, beside this one, that holds the URL with its password.",
        examples=["database.url"],
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.url is not None and self.url_file is not None:
            raise error_at("url_file", "url and url_file; give one of them")
        return self

"""What was logged is found and exported as it is, also a hostile name."""

import csv
import json
from pathlib import Path

import duckdb
import pytest

from keyhole.querylog.history import Criteria
from keyhole.querylog.history.export import Format
from tests.world.history import Place, line, names

_NOW = 1_795_600_000_000_000
HOSTILE = [
    "<script>alert(1)</script>.example",
    "\"quoted'.example",
    "=cmd|'/c calc'!a1.example",
    "+1.example",
    "-1.example",
    "@sum.example",
    "a\\013\\010b.example",
    "\\000nul.example",
    "\\027[31mred.example",
    "\u202eelpmaxe.example",
    "comma,semi;tab\\009.example",
    ".".join(["a" * 63] * 4)[:253],
    "%41%00.example",
    "${jndi}.example",
]


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_name_is_found_and_exported_as_it_is(place: Place, name: str) -> None:
    history = place.open()
    place.write(line(_NOW, name=name), line(_NOW + 1))
    assert names(history, Criteria(name=name.lower())) == ([name] if name == name.lower() else [])
    assert names(history, Criteria(contains=name[1:20])) == [name]
    forms: tuple[Format, ...] = ("csv", "jsonl", "parquet")
    for form in forms:
        path = history.export(Criteria(contains=name[1:20]), form)
        shown = _read(path, form)
        assert shown in ([name], [f"'{name}"] if form == "csv" else [name])
        path.unlink()


def _read(path: Path, form: str) -> list[str]:
    if form == "csv":
        with path.open(newline="", encoding="utf-8") as file:
            return [row["name"] for row in csv.DictReader(file)]
    if form == "jsonl":
        return [json.loads(text)["name"] for text in path.read_text().splitlines()]
    question = f"SELECT name FROM read_parquet('{path}')"
    return [row[0] for row in duckdb.connect().execute(question).fetchall()]


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@a", "\t=1", "'=1"])
def test_nothing_in_a_csv_file_is_a_formula(place: Place, name: str) -> None:
    history = place.open()
    place.write(line(_NOW, name=name, client=None, token=name))
    path = history.export(Criteria(), "csv")
    with path.open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["name"] == row["token"] == f"'{name}"


def test_an_export_of_nothing_has_its_columns(place: Place) -> None:
    history = place.open()
    assert history.export(Criteria(), "csv").read_text().startswith("time,transport,client")

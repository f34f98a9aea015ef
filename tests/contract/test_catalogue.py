"""Each word that Python writes down stands in the core's catalogue, and none is missing."""

import inspect
import re
from pathlib import Path
from typing import get_args

import pytest

from keyhole import __version__
from keyhole.api.pihole import mapping
from keyhole.cli import explain, lists, log
from keyhole.config.sections.listeners import TRANSPORTS
from keyhole.control import difference
from keyhole.dns_client import code_meanings
from keyhole.engine import catalogue
from keyhole.model.list import Format
from keyhole.model.options import OPTIONS_VERSION
from keyhole.model.record_type import RECORD_TYPES
from keyhole.model.snapshot import SNAPSHOT_VERSION
from keyhole.querylog.dnstap import message

ROOT = Path(__file__).resolve().parents[2]
TABLES = catalogue()
REASONS = {row["word"]: row for row in TABLES["reasons"]}


def words(table: str) -> set[str]:
    return {row["word"] for row in TABLES[table]}


def test_a_list_document_takes_each_format_of_the_compiler_or_auto() -> None:
    assert set(get_args(Format)) == words("list_formats") | {"auto"}


@pytest.mark.parametrize("page", ["docs/guides/lists.md", "docs/reference/words.md"])
def test_a_page_about_lists_has_a_row_for_each_format(page: str) -> None:
    rows = re.findall(r"^\| `(\w+)` \|", (ROOT / page).read_text(), re.MULTILINE)
    assert words("list_formats") <= set(rows)


def test_the_help_of_lists_names_each_format() -> None:
    option = inspect.signature(lists.compile_lists).parameters["form"].annotation.__metadata__[0]
    named = set(re.findall(r"\w+", option.help)) - {"or"}
    assert named == set(get_args(Format))


def test_record_types_have_the_numbers_of_the_core() -> None:
    assert TABLES["record_types"] == RECORD_TYPES


def test_the_settings_have_a_listener_for_each_transport() -> None:
    # DoH without TLS is a listener of its own and the same transport.
    assert set(TRANSPORTS) == words("transports") | {"doh_cleartext"}


def test_dnstap_knows_each_transport() -> None:
    assert set(message._PROTOCOLS) >= words("transports")


def test_the_versions_of_program_and_documents_are_those_of_the_core() -> None:
    assert TABLES["versions"] == {
        "keyhole": __version__,
        "options": OPTIONS_VERSION,
        "snapshot": SNAPSHOT_VERSION,
    }


def test_a_reason_has_an_outcome_and_a_stage_of_the_catalogue() -> None:
    for reason in REASONS.values():
        assert reason["outcome"] in words("outcomes")
        assert reason["stage"] in words("stages")


@pytest.mark.parametrize("styles", [explain._STYLES, log._STYLES], ids=["explain", "log"])
def test_colors_are_for_outcomes(styles: dict[str, str]) -> None:
    assert set(styles) <= words("outcomes")


def test_pihole_has_a_status_for_each_answered_and_each_blocked_reason() -> None:
    shown = {word for word, row in REASONS.items() if row["outcome"] in ("answered", "blocked")}
    assert set(mapping._BY_REASON) | set(mapping._WITHOUT_STATUS) == shown
    assert set(mapping.BLOCKED) == {w for w, row in REASONS.items() if row["outcome"] == "blocked"}


def test_the_dns_client_explains_each_refusal_of_a_client() -> None:
    refused = {
        word
        for word, row in REASONS.items()
        if row["outcome"] == "refused" and row["stage"] in ("identify", "admit")
    }
    assert set(code_meanings.NOT_SERVED) == refused | {"denied_by_default"}


def test_a_simulation_compares_by_reasons_and_stages_of_the_catalogue() -> None:
    assert words("outcomes") >= difference._WITHHELD
    assert words("stages") >= difference._BEFORE_POLICY
    for known in (
        difference._OWN_ANSWERS,
        difference._SEEN_IN_ANSWERS,
        difference._FROM_CONNECTION,
    ):
        assert REASONS.keys() >= known
    assert difference._UPSTREAM in REASONS


@pytest.mark.parametrize(
    "table", ["outcomes", "stages", "list_formats", "certificate_refusals", "counters"]
)
def test_each_row_of_a_table_has_a_word_of_its_own_and_a_meaning(table: str) -> None:
    assert len(words(table)) == len(TABLES[table])
    assert all(row["meaning"].endswith(".") for row in TABLES[table])

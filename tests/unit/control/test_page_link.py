"""The address of the page on this machine, as far as it is open."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from keyhole.config.sections.api import ApiSection
from keyhole.control.authentication import open_authentication
from keyhole.control.data_folder import DataFolder
from keyhole.control.notice import Notice
from keyhole.control.page_link import page_url
from keyhole.control.settings import read_settings
from keyhole.store import Database


@dataclass
class _Changes:
    database: Database


@pytest.mark.parametrize(
    ("listen", "before", "after"),
    [
        (["0.0.0.0:8443"], None, "https://localhost:8443"),
        (["192.0.2.1:8443"], None, "https://192.0.2.1:8443"),
        (["192.0.2.1:8443", "[::1]:8080"], "http://[::1]:8080", "http://[::1]:8080"),
        ([], None, None),
    ],
)
def test_only_what_is_open_now_is_an_address_of_the_page(
    listen: list[str], before: str | None, after: str | None
) -> None:
    api = ApiSection.model_validate({"listen": listen, "clients": ["192.0.2.0/24"]})
    assert page_url(api, is_set_up=False) == before
    assert page_url(api, is_set_up=True) == after


@pytest.mark.parametrize(
    ("listen", "said", "not_said"),
    [
        ("127.0.0.1:8080", "or open http://127.0.0.1:8080/#link=", "people password"),
        ("0.0.0.0:8443", "keyhole people password admin", "#link="),
    ],
)
def test_the_first_start_gives_a_link_that_opens_or_names_the_command_for_a_password(
    tmp_path: Path, listen: str, said: str, not_said: str
) -> None:
    data = DataFolder(tmp_path)
    data.config.write_text(f'api:\n  listen: ["{listen}"]\n  clients: [192.0.2.0/24]\n')
    database = Database.in_file(tmp_path / "control.db")
    notices: list[Notice] = []
    changes = cast(Any, _Changes(database))
    asyncio.run(open_authentication(read_settings(data.config), changes, notices.append, data))
    database.close()
    text = "\n".join(line for one in notices for line in (one.text, *one.details))
    assert said in text
    assert not_said not in text

"""Section A, security: a secret is in no command line, which other users of a machine can read."""

import re
from pathlib import Path

import pytest

from keyhole.dns_client.arguments import ArgumentError, choose_server
from tests.docs.pages import PAGES, SHELL
from tests.world.process import call_keyhole

TOKEN = "abcdefghijklmnopqrstuvwxyz234567"
# What puts a secret into an argument of a program; printf is a part of the shell (sh(1)).
_SECRET = re.compile(
    r"""["']?(?:password|secret|new)["']?\s*:\s*["']|bearer\s|--password[ =]|\$\(\s*(?:cat|<)""",
    re.IGNORECASE,
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_page_has_a_reader_write_a_secret_into_a_command_line(page: Path) -> None:
    """A15: the commands that we show, too."""
    for block in SHELL.finditer(page.read_text()):
        for line in block[2].splitlines():
            commands = line.split("|")
            written = [one for one in commands if not one.strip().startswith("printf ")]
            assert not any(_SECRET.search(one) for one in written), line


@pytest.mark.parametrize(
    ("server", "name"),
    [
        (f"https://dns.example.org/dns-query/{TOKEN}", None),
        (f"https://dns.example.org/dns-query/{TOKEN}/", None),
        (f"tls://{TOKEN}.dns.example.org", None),
        (f"https://{TOKEN.upper()}.dns.example.org/dns-query", None),
        ("tls://192.0.2.1", f"{TOKEN}.dns.example.org"),
    ],
)
def test_dig_takes_no_token_in_an_argument(server: str, name: str | None) -> None:
    """A15: in a URL, and in the name of a server; it does not repeat it."""
    with pytest.raises(ArgumentError, match="give it with --token-file") as caught:
        choose_server(server, None, None, name, None)
    assert TOKEN not in str(caught.value).lower()


@pytest.mark.parametrize(
    "words",
    [
        ("--server", "http://127.0.0.1:1", "--token-file", TOKEN, "status"),
        ("dig", "example.org", "--https", "--token-file", TOKEN),
        ("enroll", "redeem", TOKEN, "--out", "unused"),
        ("profile", "unbound", "--token-file", TOKEN),
    ],
)
def test_a_secret_that_was_given_in_place_of_its_file_is_not_repeated(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    """A15: errors reach logs and the terminals of others."""
    done = call_keyhole(*words, KEYHOLE_DATA=str(tmp_path), KEYHOLE_TOKEN="")
    assert done.returncode != 0
    assert TOKEN not in done.stdout + done.stderr

"""Secrets from standard input or from a file, and never from a command line.

Every user of a machine can read the command lines of all processes (proc(5)).
"""

import errno
import getpass
import sys
from pathlib import Path

STANDARD_INPUT = "-"
MAX_CHARACTERS = 64 * 1024


def read_secret(source: str, prompt: str) -> str:
    """The first line of a file, or of standard input for ``-``; a terminal is asked with ``prompt``
    and shows nothing. Raises ``OSError``.
    """
    try:
        return _first_line(source, prompt).strip()
    except UnicodeDecodeError:
        # The text is not repeated: it may be the secret itself.
        raise OSError(
            errno.EILSEQ, "what was given as a secret is not text in UTF-8; convert it to that"
        ) from None


def _first_line(source: str, prompt: str) -> str:
    if source == STANDARD_INPUT:
        if sys.stdin.isatty():
            return getpass.getpass(f"{prompt}: ")
        return sys.stdin.readline(MAX_CHARACTERS)
    try:
        with Path(source).open(encoding="utf-8") as file:
            return file.readline(MAX_CHARACTERS)
    except FileNotFoundError:
        # The name is not repeated: it may be the secret itself.
        raise OSError(
            errno.ENOENT,
            "there is no such file with a secret; give a file, or - for standard input, and never "
            "the secret itself: other users of this machine can read command lines",
        ) from None

"""A terminal that types the lines of a page, and looks whether each goes as the page says."""

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import chdir
from dataclasses import dataclass, field
from pathlib import Path

from tests.docs.pages import FILE, GIVEN, SHELL
from tests.world.process import call_keyhole

# What the first terminal does, and what was done before.
_ELSEWHERE = re.compile(r"(\./dev |keyhole lab|keyhole up|\. \.venv)")
# curl has found the address. It should lead nowhere, but there are networks where anything answers.
_NOWHERE = {0, 7, 28, 52, 56}
_CURL = "--noproxy '*' --max-time"
_CURL_SECONDS, _NOWHERE_SECONDS = 60, 10
# An answer of the API with an error is a fault of the page too.
_FAIL = "--fail-with-body -sS"
_SECONDS = 120

Learn = tuple[str, str, Callable[[str], str]]
"""What to find in an output, what the page says in its place, and how to get the one from the
other. The latest output counts."""


@dataclass
class Terminal:
    """``said`` is what the page says, and what is meant by it here; ``learned`` adds to it.

    ``write`` takes the files that the page has a reader write, by name; without it they are left.
    """

    said: dict[str, str]
    folder: Path
    data: Path | None = None
    learned: tuple[Learn, ...] = ()
    write: Callable[[str, str], None] | None = None
    environment: dict[str, str] = field(default_factory=dict)

    def walk(self, page: str) -> None:
        """Follows the text of a page, or a part of it."""
        found = [*SHELL.finditer(page), *FILE.finditer(page), *GIVEN.finditer(page)]
        for part in sorted(found, key=lambda one: one.start()):
            if part.re is SHELL:
                for line, codes in _lines(part):
                    self.follow(line, codes)
            elif part.re is GIVEN:
                (self.folder / part[1]).write_text(self.translate(part[2]))
            elif self.write is not None:
                self.write(part[1], self.translate(part[2]))

    def follow(self, text: str, codes: set[int]) -> None:
        """Types one line, and looks whether it ends with one of these exit codes."""
        line = self.translate(text)
        if _ELSEWHERE.match(text):
            return
        if text.startswith("cd "):
            self.folder = Path(line.removeprefix("cd "))
        elif text.startswith("export "):
            self._export(line)
        elif "--follow" in text:
            self._watch(line, {130})
        elif "curl -N " in text:
            self._watch(self._with_limits(line, _CURL_SECONDS, _FAIL), codes)
        else:
            self._run(text, line, _NOWHERE if "doh-url" in text else codes)

    def translate(self, text: str) -> str:
        """What the page says, for the ports, folders and secrets of this test."""
        for said, meant in self.said.items():
            parts = re.split(rf"(?<!\w){re.escape(said)}(?!\w)", text)
            text = meant.join(parts)
        return text

    def _export(self, line: str) -> None:
        values = dict(word.split("=", 1) for word in shlex.split(line)[1:])
        self.environment |= values
        if "KEYHOLE_DATA" in values or "KEYHOLE_SERVER" in values:
            # The page tells which Keyhole is meant from here on.
            self.data = None

    def _run(self, text: str, line: str, codes: set[int]) -> None:
        is_nowhere = "doh-url" in text
        seconds = _NOWHERE_SECONDS if is_nowhere else _CURL_SECONDS
        line = self._with_limits(line, seconds, "" if is_nowhere else _FAIL)
        done = self._call(line) if _is_plain(line) else self._shell(line)
        assert done.returncode in codes, f"{text}\n{line}\n{done.stdout}{done.stderr}"
        for wanted, said, read in self.learned:
            if found := re.search(wanted, done.stdout, re.MULTILINE):
                self.said[said] = read(found[found.lastindex or 0])

    @staticmethod
    def _with_limits(line: str, seconds: int, more: str) -> str:
        return line.replace("curl ", f"curl {_CURL} {seconds} {more} ")

    def _call(self, line: str) -> subprocess.CompletedProcess[str]:
        """Does without a shell and a new process, since the pages have a hundred such lines."""
        with chdir(self.folder):
            return call_keyhole(*shlex.split(line, comments=True)[1:], **self._own())

    def _shell(self, line: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["/bin/sh", "-c", line],
            cwd=self.folder,
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )

    def _watch(self, line: str, codes: set[int]) -> None:
        """A command that goes on until Ctrl-C shows something, and then ends by it."""
        with subprocess.Popen(
            ["/bin/sh", "-c", f"exec {line}"],
            cwd=self.folder,
            env={**self._environment(), "PYTHONFAULTHANDLER": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # A program that was started in the background hands down that it ignores Ctrl-C.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        ) as watching:
            assert watching.stdout is not None
            assert watching.stdout.readline().strip(), line
            watching.send_signal(signal.SIGINT)
            try:
                code = watching.wait(_SECONDS)
            except subprocess.TimeoutExpired:
                watching.send_signal(signal.SIGABRT)  # it says where it stays
                said = watching.communicate()[1]
                raise AssertionError(f"{line} does not end by Ctrl-C: {said}") from None
        # A shell gives 128 more than the number of the signal that ended a program.
        code = 128 - code if code < 0 else code
        assert code in codes, f"{line} ended with {code}"

    def _environment(self) -> dict[str, str]:
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        return {**os.environ, "PATH": path, "NO_COLOR": "1", "COLUMNS": "200", **self._own()}

    def _own(self) -> dict[str, str]:
        data = {} if self.data is None else {"KEYHOLE_DATA": str(self.data)}
        return {**data, **self.environment}


def _is_plain(line: str) -> bool:
    """Whether no shell is needed, but to split the line into words."""
    return line.startswith("keyhole ") and not re.search(r"[<>|$~]| -- ", line)


def _lines(part: re.Match[str]) -> Iterator[tuple[str, set[int]]]:
    """The lines of a block, each with the exit codes that it may have."""
    lines = part[2].splitlines()
    codes = [{int(one) for one in each.split("/")} for each in (part[1] or "0").split()]
    if len(codes) == 1:
        codes *= len(lines)
    assert len(codes) == len(lines), f"{part[1]}: give one exit code, or one for each line"
    return iter(zip(lines, codes, strict=True))

"""What a check is, and what it finds."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from keyhole.verify.error import SkippedError, VerifyError

if TYPE_CHECKING:
    from keyhole.verify.target import Target

_LONGEST = 400


class Threat(StrEnum):
    """What a check defends against, in the words of the guide."""

    SURVEILLANCE = "surveillance"
    IMPERSONATION = "impersonation"
    BYPASS = "policy bypass"
    TUNNELING = "tunneling"
    SPOOFING = "spoofing"
    REBINDING = "rebinding"
    AMPLIFICATION = "amplification"
    DENIAL = "denial of service"
    DISCLOSURE = "disclosure"
    ADMINISTRATION = "administration"
    ACCOUNTABILITY = "accountability"


class Verdict(StrEnum):
    """How a check ended."""

    PASS = "pass"  # noqa: S105 (a verdict, no password)
    FAIL = "fail"
    SKIP = "skip"
    ERROR = "error"


@dataclass(frozen=True)
class Seen:
    """What one check saw: whether the promise held, and the text for people."""

    held: bool
    text: str

    @classmethod
    def of(cls, broken: Iterable[str], tries: int, fine: str) -> "Seen":
        """``broken`` names each try that got through; without any, ``fine`` says what was seen.
        Raises `VerifyError` where no try was made: nothing proves nothing."""
        found = list(broken)
        if tries < 1 and not found:
            raise VerifyError("nothing was tried")
        return cls(not found, "; ".join(found) if found else fine)


@dataclass(frozen=True)
class Check:
    """One promise and its attack. ``standards`` say who asks for it, with the section."""

    id: str
    title: str
    threat: Threat
    standards: tuple[str, ...]
    tried: str
    expected: str
    run: "Callable[[Target], Seen]"


@dataclass(frozen=True)
class Line:
    """One line of the report. ``seen`` may hold what a server sent, with nothing but printable
    characters in it."""

    check: Check
    verdict: Verdict
    seen: str
    seconds: float


def check(
    id: str,  # noqa: A002 (the word of the report)
    title: str,
    threat: Threat,
    *standards: str,
    tried: str,
    expected: str,
) -> "Callable[[Callable[[Target], Seen]], Check]":
    """Makes a check of a function."""

    def made(run: "Callable[[Target], Seen]") -> Check:
        return Check(id, title, threat, standards, tried, expected, run)

    return made


def run_check(one: Check, target: "Target") -> Line:
    """Runs one check. A fault of its own is an error of that line, and never a pass."""
    started = time.monotonic()
    try:
        seen = one.run(target)
        verdict, text = Verdict.PASS if seen.held else Verdict.FAIL, seen.text
    except SkippedError as reason:
        verdict, text = Verdict.SKIP, str(reason)
    except Exception as error:  # noqa: BLE001 (one broken check must not hide the others)
        verdict, text = Verdict.ERROR, f"{type(error).__name__}: {error}"
    return Line(one, verdict, printable(text), time.monotonic() - started)


def printable(text: str) -> str:
    """The text without line breaks, control and direction characters, and not endless: a name or
    an error of a hostile server ends in terminals, XML and HTML."""
    safe = "".join(each if each.isprintable() else f"\\x{ord(each):02x}" for each in text)
    return safe if len(safe) <= _LONGEST else safe[: _LONGEST - 3] + "..."

"""``keyhole enroll keep``: renews a client's certificate in time, for as long as it runs."""

import asyncio
import random
from collections.abc import Callable, Sequence

from keyhole.enrollment.enrolled_client import EnrolledClient
from keyhole.enrollment.error import EnrollmentError
from keyhole.errors import KeyholeError

# Looked at often, by the wall clock: a machine that slept for a week renews on waking.
CHECK_SECONDS = 30.0
FIRST_PAUSE, MAX_PAUSE = 2.0, 300.0

Notify = Callable[[bool, str], None]


async def run(
    member: EnrolledClient, command: Sequence[str], end: asyncio.Event, tell: Notify
) -> None:
    """Renews until ``end`` is set; after each renewal runs ``command``, an argument list that no
    shell sees.

    A failure is tried again after 2 seconds, then twice as long each time, up to 5 minutes; it is
    told once for each reason.
    """
    pause, told = FIRST_PAUSE, ""
    while not end.is_set():
        try:
            if member.due_in() > 0:
                await _wait(end, CHECK_SECONDS)
                continue
            credentials = await asyncio.to_thread(member.renew)
        except KeyholeError as error:
            if str(error) != told:
                told = str(error)
                hint = _hint(error)
                tell(False, f"not renewed, and tried again: {told}{hint}")
            await _wait(end, pause * random.uniform(0.8, 1.2))  # noqa: S311  (no secret)
            pause = min(pause * 2, MAX_PAUSE)
            continue
        pause, told = FIRST_PAUSE, ""
        until = credentials.leaf.not_valid_after_utc
        tell(True, f"renewed {credentials.spiffe}, until {until:%Y-%m-%d %H:%M} UTC")
        await run_command(command, tell, end)


async def renew_if_due(member: EnrolledClient, command: Sequence[str], tell: Notify) -> bool:
    """Renews if it is time; whether all is well. Raises when it could not."""
    if member.due_in() > 0:
        until = member.credentials().leaf.not_valid_after_utc
        tell(True, f"still fresh, until {until:%Y-%m-%d %H:%M} UTC")
        return True
    credentials = await asyncio.to_thread(member.renew)
    until = credentials.leaf.not_valid_after_utc
    tell(True, f"renewed {credentials.spiffe}, until {until:%Y-%m-%d %H:%M} UTC")
    return await run_command(command, tell)


async def run_command(
    command: Sequence[str], tell: Notify, end: asyncio.Event | None = None
) -> bool:
    """Runs the command after a renewal and waits for it; whether all is well.

    When ``end`` is set the command is asked to end, too.
    """
    if not command:
        return True
    try:
        process = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.DEVNULL)
    except OSError as error:
        tell(False, f"{command[0]} could not be run: {error.strerror}")
        return False
    waiting = asyncio.create_task(process.wait())
    ending = asyncio.create_task((end or asyncio.Event()).wait())
    await asyncio.wait({waiting, ending}, return_when=asyncio.FIRST_COMPLETED)
    ending.cancel()
    if not waiting.done():
        process.terminate()
    code = await waiting
    if code:
        tell(False, f"{command[0]} ended with exit code {code}")
    return code == 0


def _hint(error: KeyholeError) -> str:
    if isinstance(error, EnrollmentError) and error.is_final:
        return "; this is its last word until somebody changes something there"
    return ""


async def _wait(end: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(end.wait(), seconds)
    except TimeoutError:
        return

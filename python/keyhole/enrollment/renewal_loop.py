"""``keyhole enroll keep``: renews a client's certificate in time while it runs."""

import asyncio
import random
from collections.abc import Callable, Sequence

from keyhole.enrollment.enrolled_client import EnrolledClient
from keyhole.enrollment.error import EnrollmentError
from keyhole.errors import KeyholeError

# Checked often, by the wall clock: a machine that was suspended renews after it resumes.
CHECK_SECONDS = 30.0
FIRST_PAUSE, MAX_PAUSE = 2.0, 300.0

Notify = Callable[[bool, str], None]


async def run(
    client: EnrolledClient, command: Sequence[str], end: asyncio.Event, notify: Notify
) -> None:
    """Renews until ``end`` is set; runs ``command`` after each renewal, without a shell.

    Failures are retried with exponential backoff, from 2 seconds up to 5 minutes. A repeated error
    is reported only once.
    """
    pause, reported = FIRST_PAUSE, ""
    while not end.is_set():
        try:
            if client.due_in() > 0:
                await _wait(end, CHECK_SECONDS)
                continue
            credentials = await asyncio.to_thread(client.renew)
        except KeyholeError as error:
            if str(error) != reported:
                reported = str(error)
                hint = _hint(error)
                notify(False, f"not renewed, and tried again: {reported}{hint}")
            await _wait(end, pause * random.uniform(0.8, 1.2))  # noqa: S311  (no secret)
            pause = min(pause * 2, MAX_PAUSE)
            continue
        pause, reported = FIRST_PAUSE, ""
        until = credentials.leaf.not_valid_after_utc
        notify(True, f"renewed {credentials.spiffe}, until {until:%Y-%m-%d %H:%M} UTC")
        await run_command(command, notify, end)


async def renew_if_due(client: EnrolledClient, command: Sequence[str], notify: Notify) -> bool:
    """Renews if it is due; returns false if ``command`` failed. Raises if renewal failed."""
    if client.due_in() > 0:
        until = client.credentials().leaf.not_valid_after_utc
        notify(True, f"still fresh, until {until:%Y-%m-%d %H:%M} UTC")
        return True
    credentials = await asyncio.to_thread(client.renew)
    until = credentials.leaf.not_valid_after_utc
    notify(True, f"renewed {credentials.spiffe}, until {until:%Y-%m-%d %H:%M} UTC")
    return await run_command(command, notify)


async def run_command(
    command: Sequence[str], notify: Notify, end: asyncio.Event | None = None
) -> bool:
    """Runs the command after a renewal and waits for it; returns whether it succeeded.

    When ``end`` is set, the command is terminated.
    """
    if not command:
        return True
    try:
        process = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.DEVNULL)
    except OSError as error:
        notify(False, f"{command[0]} could not be run: {error.strerror}")
        return False
    waiting = asyncio.create_task(process.wait())
    ending = asyncio.create_task((end or asyncio.Event()).wait())
    await asyncio.wait({waiting, ending}, return_when=asyncio.FIRST_COMPLETED)
    ending.cancel()
    if not waiting.done():
        process.terminate()
    code = await waiting
    if code:
        notify(False, f"{command[0]} ended with exit code {code}")
    return code == 0


def _hint(error: KeyholeError) -> str:
    if isinstance(error, EnrollmentError) and error.is_final:
        return "; the server refuses this until its operator changes something"
    return ""


async def _wait(end: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await end.wait()
    except TimeoutError:
        return

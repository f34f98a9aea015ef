"""The signals and inputs that end a running Keyhole."""

import asyncio
import signal
import sys


def end_on_signals() -> asyncio.Event:
    """Returns an event that SIGTERM, Ctrl-C and the end of the terminal set.

    A process that ignores SIGHUP from the start (``nohup``) keeps ignoring it.
    """
    end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, end.set)
    return end


async def end_with_input(end: asyncio.Event) -> None:
    """Sets ``end`` when standard input ends: this is how a supervisor stops the process."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.read(4096):
        pass  # the content has no meaning; only the end matters
    end.set()

"""How a running Keyhole is asked to end."""

import asyncio
import signal
import sys


def end_on_signals() -> asyncio.Event:
    """An event that is set by SIGTERM, Ctrl-C, and the end of the terminal.

    A process that was started to outlive its terminal (``nohup``) ignores SIGHUP, and still does.
    """
    end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, end.set)
    return end


async def end_with_input(end: asyncio.Event) -> None:
    """Sets ``end`` when standard input ends: so a supervisor asks for it."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.read(4096):
        pass  # nothing is expected, and only the end matters
    end.set()

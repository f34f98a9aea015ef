"""``python -m keyhole.lab.internet``: an encrypted upstream for any name, or a misbehaving one."""

import argparse
import asyncio
import signal
import sys
import tempfile
from pathlib import Path

from keyhole.errors import KeyholeError
from keyhole.lab.internet.mode import MEANINGS, Mode
from keyhole.lab.internet.server import Settings, serve
from keyhole.system.collector import collect_rarely
from keyhole.system.parent_death import die_if_asked


def main() -> int:
    """Reads the arguments and serves until a signal; 0 after a signal, 1 when it cannot start."""
    die_if_asked(signal.SIGKILL)
    collect_rarely()
    arguments = _parser().parse_args()
    with tempfile.TemporaryDirectory(prefix="keyhole-internet-") as temporary:
        settings = Settings(
            protocol=arguments.protocol,
            host=arguments.host,
            port=arguments.port,
            mode=Mode(arguments.mode),
            delay=arguments.delay,
            identity=arguments.identity or Path(temporary),
            ready_file=arguments.ready_file,
            log=arguments.log,
        )
        try:
            asyncio.run(serve(settings))
        except (KeyholeError, OSError) as error:
            print(f"internet: {error}", file=sys.stderr)
            return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    modes = "\n".join(f"  {mode.value:20} {MEANINGS[mode]}" for mode in Mode)
    parser = argparse.ArgumentParser(
        prog="python -m keyhole.lab.internet",
        description=__doc__,
        epilog=f"modes:\n{modes}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--protocol", choices=["doh", "dot", "tcp"], default="doh")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    parser.add_argument(
        "--mode", choices=[mode.value for mode in Mode], default="answer", metavar="MODE"
    )
    parser.add_argument("--delay", type=float, default=5.0, help="seconds, for mode slow")
    parser.add_argument("--identity", type=Path, help="folder of the authority; made if missing")
    parser.add_argument("--ready-file", type=Path, help="JSON once it serves; else on stdout")
    parser.add_argument("--log", type=Path, help="one JSON line for each question seen")
    return parser


if __name__ == "__main__":
    sys.exit(main())

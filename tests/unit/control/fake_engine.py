"""A process without a core that sends the messages of an engine, for supervisor tests."""

import json
import os
import sys


def main(behavior: str, pipe: int) -> int:
    if behavior == "refuses":
        _say(pipe, {"refused": {"path": "listen 127.0.0.1:53 (udp)", "why": "permission denied"}})
        return 1
    if behavior == "ends":
        return 7
    _say(pipe, {"ready": {"udp": ["127.0.0.1:5300"]}, "pid": os.getpid()})
    sys.stdin.read()
    return 0


def _say(pipe: int, message: dict[str, object]) -> None:
    os.write(pipe, json.dumps(message).encode() + b"\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[3])))

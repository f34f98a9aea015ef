"""An engine process without a core, for the supervisor's tests: speaks the protocol alone."""

import json
import os
import sys


def main(behavior: str) -> int:
    if behavior == "refuses":
        _say({"refused": {"path": "listen 127.0.0.1:53 (udp)", "why": "permission denied"}})
        return 1
    if behavior == "ends":
        return 7
    _say({"ready": {"udp": ["127.0.0.1:5300"]}, "pid": os.getpid()})
    for number, line in enumerate(sys.stdin, 1):
        command = json.loads(line)
        if command.get("commit") == "/bad":
            _say({"refused": {"path": "snapshot.policies[0]", "why": "no such list"}})
        elif "commit" in command:
            _say({"committed": number})
        elif "identity" in command:
            _say({"installed": command["identity"]["name"]})
        else:
            _say({"stats": {"pid": os.getpid()}})
    return 0


def _say(message: dict[str, object]) -> None:
    print(json.dumps(message), flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
